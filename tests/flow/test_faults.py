"""What breaks in mid-call: the caller ends with a human, and nothing committed is lost."""

from __future__ import annotations

import asyncio
import threading

import pytest

from bot import off_loop
from bot.callbacks import Callbacks, Conversations
from bot.conversation.ending import Result
from bot.dialogue.protocol import Moved, Start
from bot.evidence.recordings import sealed_path
from bot.evidence.states import State
from bot.evidence.verify import verify_store
from bot.records.recovery import recording_name, recover_all
from bot.settings import Settings
from bot.store import Store
from tests.conftest import POLICY, SteppingClock
from tests.flow.desks import DeadDialogue
from tests.flow.scripted_line import ScriptedLine
from tests.harm import locked
from voice.frames import Played

pytestmark = pytest.mark.rasa


class DyingDialogue(DeadDialogue):
    """The workers die after the opening."""

    def __init__(self, real: Conversations) -> None:
        self._real = real._dialogue

    async def begin(self, start: Start) -> Moved:
        return await self._real.begin(start)


async def begun(
    conversations: Conversations, *said: str
) -> tuple[str, ScriptedLine, asyncio.Task[Result]]:
    """A conversation in which this was said, waiting for the next word."""
    callback = conversations.callbacks.open(POLICY, "phone")
    line = ScriptedLine()
    task = asyncio.create_task(conversations.start(callback, line).run())
    await line.idle()
    for text in said:
        (line.caller_keys if text.isdecimal() else line.caller_says)(text)
        await line.idle()
    return callback, line, task


def spoken(line: ScriptedLine) -> list[str]:
    return [speech.id.rpartition(".")[0] for speech in line.spoken]


IN_ITEMS = ("方便", "是我", "19790425", "是的")


async def test_without_dialogue_the_caller_gets_a_human(conversations: Conversations) -> None:
    dead = Conversations(conversations.callbacks, DeadDialogue())
    callback = dead.callbacks.open(POLICY, "phone")
    line = ScriptedLine()
    result = await dead.start(callback, line).run()
    assert (result.ending, result.reason) == ("handed_over", "failure")
    assert spoken(line)[-1].endswith("H_now")
    assert dead.callbacks.store.callback(callback).owner == "queue"


async def test_key_0_needs_no_dialogue(conversations: Conversations) -> None:
    dying = Conversations(conversations.callbacks, DyingDialogue(conversations))
    _, line, task = await begun(dying)
    line.caller_keys("0")
    result = await task
    assert (result.ending, result.reason) == ("handed_over", "key")
    assert spoken(line)[-1] == "H_now"


async def test_a_locked_store_ends_with_a_human_and_keeps_what_was_committed(
    settings: Settings, store: Store, conversations: Conversations
) -> None:
    with Store.open(settings.database_url, settings.key_folder, busy_s=0.05) as impatient:
        callbacks = Callbacks(settings, impatient, clock=SteppingClock())
        talk = Conversations(callbacks, conversations._dialogue)
        callback, line, task = await begun(talk, *IN_ITEMS)
        with locked(settings.data / "huifang.db"):
            line.caller_says("是的")
            result = await task
        assert (result.ending, result.reason) == ("handed_over", "failure")
        assert spoken(line)[-1].endswith("H_now"), "the caller is told, though nothing was written"
        assert callbacks.answered(callback) == {"B1": True}
        (report,) = verify_store(impatient)
        assert report.integrity


@pytest.mark.parametrize("pressed", [False, True])
async def test_a_disk_that_hangs_keeps_nobody_from_a_human(
    settings: Settings,
    conversations: Conversations,
    pressed: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is being written does not fail, it never comes back. Key 0 is answered, and an answer
    that cannot be written down leads to a human too."""
    store, back = conversations.callbacks.store, threading.Event()
    callback, line, task = await begun(conversations, *IN_ITEMS)
    monkeypatch.setattr(off_loop, "ANSWER_S", 0.1)
    monkeypatch.setattr(off_loop, "HAND_OVER_S", 0.1)
    for step in ("append", "transfer"):
        write = getattr(store, step)
        late = lambda *given, _write=write, **named: (back.wait(), _write(*given, **named))[1]  # noqa: E731
        monkeypatch.setattr(store, step, late)
    try:
        if pressed:
            line.caller_keys("0")
        else:
            line.caller_says("是的")
        result = await asyncio.wait_for(task, 10)
        assert result.ending == "handed_over"
        assert spoken(line)[-1].endswith("H_now")
        assert conversations.callbacks.answered(callback) == {"B1": True}
    finally:
        back.set()


async def test_a_voice_that_fails_ends_with_a_human(conversations: Conversations) -> None:
    callback, line, task = await begun(conversations, *IN_ITEMS)
    line.hold = True
    line.caller_says("是的")
    await line.idle()
    broken = line.spoken[-1].id
    line._unplayed.clear()
    line._feed(Played(broken, False, 0, 0, "scripted", "failed: SpeechFailed"))
    line.hold = False
    result = await task
    assert (result.ending, result.reason) == ("handed_over", "failure")
    assert conversations.callbacks.answered(callback) == {"B1": True, "B2": True}


async def test_a_line_that_breaks_is_no_hang_up_of_the_caller(
    conversations: Conversations,
) -> None:
    """Who is on the telephone still gets a human, who finds the case: the exchange is told
    `transfer`, not `hangup`."""
    callback, line, task = await begun(conversations, *IN_ITEMS)
    line.breaks("ZeroDivisionError")
    result = await task
    assert (result.ending, result.reason) == ("handed_over", "failure")
    row = conversations.callbacks.store.callback(callback)
    assert (row.state, row.owner) == (State.HUMAN, "queue")
    assert conversations.callbacks.answered(callback) == {"B1": True}


async def test_after_a_crash_the_callback_goes_on_at_the_first_open_item(
    conversations: Conversations, settings: Settings
) -> None:
    callbacks = conversations.callbacks
    callback, _, task = await begun(conversations, *IN_ITEMS)
    task.cancel()  # as the process dies: nothing is tidied up
    await asyncio.gather(task, return_exceptions=True)
    settings.audio_folder.mkdir()
    recording = sealed_path(settings.audio_folder / recording_name(callback, "0123456789"))
    recording.write_bytes(b"")

    assert recover_all(callbacks, settings.audio_folder) == 1
    assert callbacks.store.callback(callback).state is State.INCOMPLETE
    (report,) = verify_store(callbacks.store, settings.audio_folder)
    assert report.ok, str(report)
    assert recover_all(callbacks, settings.audio_folder) == 0, "mending twice changes nothing"

    again, line, task = await begun(conversations, "方便", "是我")
    assert again == callback
    assert "O_resume" in spoken(line)
    models = [e.body["model"] for e in callbacks.store.events(callback) if e.kind == "called"]
    assert len(models) == 2, "one for each attempt"
    assert all(models), "the record says which trained model understood"
    assert not {"B1", "B2"} & set(spoken(line)), "identity is checked again first"
    line.caller_keys("19790425")
    await line.idle()
    assert spoken(line)[-1] == "B2"
    line.caller_hangs_up()
    assert (await task).ending == "hung_up"


@pytest.mark.parametrize(
    "phase",
    [(), ("方便",), ("方便", "是我"), IN_ITEMS, (*IN_ITEMS, "我再想想吧"), ("我在忙",)],
    ids=["opening", "identity", "proof", "items", "asked again", "callback time"],
)
async def test_a_hang_up_in_any_phase_closes_the_record(
    conversations: Conversations, phase: tuple[str, ...]
) -> None:
    callback, line, task = await begun(conversations, *phase)
    line.caller_hangs_up()
    result = await task
    assert result.ending == "hung_up"
    assert conversations.callbacks.store.callback(callback).state is State.INCOMPLETE
    assert len(conversations.callbacks.answered(callback)) == (1 if "是的" in phase else 0)
