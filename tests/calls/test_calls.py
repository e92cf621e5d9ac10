"""Real calls: AudioSocket over TCP at real-time pace, synthetic voices through the telephone band,
real recognition, real Rasa, real speech, a record on disk.

Six calls at once, as on a busy line, and in their midst a dialogue worker and the speaking child
are killed. Played once; each test looks at one thing that must be true afterwards.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pytest
import pytest_asyncio

from bot.cli.importing import import_policies
from bot.cli.simulation import Answer, Interruption, Outcome, Policyholder, Scenario
from bot.evidence.ledger import Event
from bot.evidence.recordings import Sealed
from bot.evidence.states import State
from bot.evidence.verify import verify_store
from bot.house import House, running
from bot.parts import open_voice
from bot.settings import ROOT, Settings
from voice.dsp import level_dbfs

pytestmark = [pytest.mark.models, pytest.mark.rasa]

CACHE, KEYS = ROOT / "build" / "test-cache", ROOT / "build" / "test-keys"
"""Speech is rendered once, not once a run; it is sealed, so the key stays as well."""
KEYED = Answer(keys="birth_date")
SURE = {
    "O4": Answer("可以，现在方便。"),
    "I1": Answer("是的，我是本人。"),
    "I2": KEYED,
    "Z1": Answer("没有了，谢谢。"),
}
CALLS = {
    "whole": Scenario("902626001083", answers=SURE),
    "key 0": Scenario("902626001018", answers=SURE, interruption=Interruption("B1", 1.0, "0")),
    "hang up in opening": Scenario("902626001026", answers={"O4": Answer(hangup=True)}),
    "hang up in identity": Scenario("902626001034", answers={**SURE, "I2": Answer(hangup=True)}),
    "hang up in items": Scenario("902626001059", answers={**SURE, "B2": Answer(hangup=True)}),
    "spoken 转人工": Scenario("902626001067", answers={**SURE, "B1": Answer("我要转人工。")}),
}


@dataclass
class Played:
    """The house after all calls, with what they came to."""

    house: House
    outcomes: dict[str, Outcome]
    events: list[Event]
    killed: list[str]

    def of(self, name: str, kind: str) -> list[Event]:
        callback = self.outcomes[name].callback
        return [e for e in self.events if e.callback == callback and e.kind == kind]

    def answers(self, name: str) -> dict[str, str]:
        return {e.body["item"]: e.body["answer"] for e in self.of(name, "answered")}

    def state(self, name: str) -> State:
        return self.house.store.callback(self.outcomes[name].callback).state


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    data = tmp_path_factory.mktemp("calls") / "data"
    data.mkdir()
    CACHE.mkdir(parents=True, exist_ok=True)
    (data / "cache").symlink_to(CACHE)
    settings = Settings(
        data=data, keys=KEYS, audiosocket_port=0, telephony_port=0, web_port=0, normal_rate=1.5,
        voice="pyttsx3",  # nobody has to understand the bot here, and Kokoro takes minutes
    )  # fmt: skip
    import_policies(settings, ROOT / "examples" / "policies.csv")
    async with running(settings) as house:
        voice = open_voice(settings.model_copy(update={"voice": "auto"}), "zm_yunxi")
        await voice.start()
        for scenario in CALLS.values():
            policy = house.store.policy(scenario.policy)
            await voice.prepare(scenario.words(house.callbacks.script(policy)))
        whole = house.store.policy(CALLS["whole"].policy)
        await house.speaker.prepare(house.callbacks.sentences(whole), settings.normal_rate)
        events: list[Event] = []
        killed: list[str] = []
        filed = Countdown(len(CALLS))
        house.listeners += [events.append, filed]
        house.listeners.append(lambda event: _disaster(house, event, killed))
        try:
            outcomes = await asyncio.gather(
                *(Policyholder(house, scenario, voice).call() for scenario in CALLS.values())
            )
        finally:
            await voice.close()
        await asyncio.wait_for(filed.done.wait(), 30)
        yield Played(house, dict(zip(CALLS, outcomes, strict=True)), events, killed)


def _disaster(house: House, event: Event, killed: list[str]) -> None:
    """Once the whole call is at its third item: kill -9 a worker and the speaking child."""
    if event.kind == "asked" and event.body["clause"] == "B3" and not killed:
        os.kill(house.dialogue.free_pids[0], signal.SIGKILL)
        assert house.speaker.engine.child_pid is not None
        os.kill(house.speaker.engine.child_pid, signal.SIGKILL)
        killed += ["worker", "speaker"]


class Countdown:
    """Done once that many recordings were filed."""

    def __init__(self, recordings: int) -> None:
        self.done = asyncio.Event()
        self._left = recordings

    def __call__(self, event: Event) -> None:
        self._left -= event.kind == "audio"
        if not self._left:
            self.done.set()


async def test_a_whole_callback_is_completed(played: Played) -> None:
    answers = played.answers("whole")
    assert played.state("whole") is State.COMPLETED_CLEAN, answers
    assert set(answers.values()) == {"yes"}
    assert len(answers) == 16
    assert played.outcomes["whole"].action == "hangup"


async def test_every_answer_rests_on_a_question_heard_to_its_end_and_a_sound(
    played: Played,
) -> None:
    events = {e.seq: e for e in played.events if e.callback == played.outcomes["whole"].callback}
    for answered in played.of("whole", "answered"):
        asked, heard = (events[answered.body[key]] for key in ("asked_seq", "heard_seq"))
        assert asked.body["clause"] == answered.body["item"]
        assert asked.body["sha256"]
        assert heard.body["audio_sha256"] == answered.body["audio_sha256"] is not None
        assert heard.body["end_ms"] > heard.body["start_ms"]


async def test_identity_comes_before_any_fact(played: Played) -> None:
    kinds = [e for e in played.events if e.callback == played.outcomes["whole"].callback]
    verified = next(e.seq for e in kinds if e.kind == "identity" and e.body["result"] == "ok")
    assert all(e.seq > verified for e in kinds if e.kind == "asked" and e.body["item"])


async def test_key_0_in_the_middle_of_a_term_reaches_a_human(played: Played) -> None:
    assert [e.body["reason"] for e in played.of("key 0", "handed_over")] == ["key"]
    assert played.outcomes["key 0"].action == "transfer"
    assert played.answers("key 0") == {}
    assert played.house.store.callback(played.outcomes["key 0"].callback).owner == "queue"


async def test_the_spoken_word_reaches_a_human(played: Played) -> None:
    assert [e.body["reason"] for e in played.of("spoken 转人工", "handed_over")] == ["request"]
    assert played.outcomes["spoken 转人工"].action == "transfer"


@pytest.mark.parametrize(
    ("name", "answered"),
    [("hang up in opening", 0), ("hang up in identity", 0), ("hang up in items", 1)],
)
async def test_a_hang_up_keeps_what_was_answered(played: Played, name: str, answered: int) -> None:
    closed = played.of(name, "closed")[-1].body
    assert (closed["outcome"], closed["answered"]) == ("hangup", answered)
    assert played.state(name) is State.INCOMPLETE


async def test_killed_parts_are_replaced_and_nothing_is_lost(played: Played) -> None:
    assert played.killed == ["worker", "speaker"]
    await played.house.dialogue.complete()
    assert played.house.dialogue.health()["alive"] == played.house.settings.dialogue_workers
    fresh = f"这一句以前没有说过，编号{secrets.randbelow(10**6)}。"
    clip = await played.house.speaker.render(fresh)
    assert clip.seconds > 1
    assert not clip.cached
    assert played.house.speaker.engine.child_pid is not None
    assert not [e.body for e in played.events if e.kind == "failed"]


async def test_the_records_verify_with_their_sound(played: Played) -> None:
    reports = list(verify_store(played.house.store, played.house.settings.audio_folder))
    assert len(reports) == len(CALLS)
    for report in reports:
        assert report.ok, str(report)
        assert report.recordings == 1
        assert report.utterances_matching == report.utterances


async def test_both_sides_are_in_the_recording(played: Played) -> None:
    (audio,) = played.of("whole", "audio")
    house = played.house
    files = Sealed(house.settings.audio_folder, house.store.data_key(audio.callback))
    data = files.read(audio.body["file"])
    assert data is not None
    left, right = _channels(data)
    assert level_dbfs(left) > -45, "the policyholder cannot be heard"
    assert level_dbfs(right) > -35, "the bot cannot be heard"


def _channels(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    with wave.open(BytesIO(data), "rb") as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 8000)
        sound = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    left, right = (sound / np.float32(32768)).astype(np.float32).T
    return left, right
