"""The dialogue as the application uses it: real worker processes with the trained model."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.dialogue.client import Dialogue
from bot.dialogue.process import Launch, Worker, WorkerLost, WorkerRefused
from bot.dialogue.protocol import Item, Moved, Start, Turn
from bot.errors import ConfigError, DialogueUnavailable
from bot.settings import ROOT, Settings

pytestmark = pytest.mark.rasa

PYTHON = Settings().rasa_python
MODEL = ROOT / "models" / "huifang.tar.gz"
START = Start((Item("B1", severe=True), Item("B9"), Item("NT2", expect="no", severe=True)))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pool() -> AsyncIterator[Dialogue]:
    dialogue = Dialogue(PYTHON, MODEL, ROOT, workers=2)
    await dialogue.start()
    yield dialogue
    await dialogue.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Worker]:
    """One worker without the pool around it."""
    launched = await Worker.launch(Launch(PYTHON, MODEL, ROOT, tmp_path_factory.mktemp("worker")))
    await launched.ready()
    yield launched
    await launched.stop()


def short(moved: Moved) -> list[str]:
    acts = [act.to_json() for act in moved.acts]
    return [" ".join(str(a[k]) for k in list(a)[:2]) for a in acts]


async def at_items(dialogue: Dialogue) -> Moved:
    moved = await dialogue.begin(START)
    for turn in ("方便", "是我", "1954年3月8日"):
        moved = await dialogue.turn(Turn(moved.state, turn, via="text"))
    assert short(moved) == ["verify"]
    return await dialogue.turn(Turn(moved.state, event="identity_ok"))


# -- the conversation


async def test_a_whole_callback(pool: Dialogue) -> None:
    moved = await at_items(pool)
    assert short(moved) == ["say I_ok", "say T_items", "ask B1"]
    moved = await pool.turn(Turn(moved.state, "是的，是我买的", via="text"))
    assert short(moved) == ["record B1", "say A_ok", "ask B9"]
    assert moved.meaning is not None
    assert (moved.meaning.intent, moved.meaning.answer) == ("affirm", "yes")
    moved = await pool.turn(Turn(moved.state, "1", via="key"))
    assert short(moved) == ["record B9", "say A_ok", "ask NT2"]
    moved = await pool.turn(Turn(moved.state, "没有", via="text"))
    assert short(moved) == ["record NT2", "say A_ok", "ask Z1"]
    moved = await pool.turn(Turn(moved.state, "没有了", via="text"))
    assert short(moved) == ["say Z_clean", "say Z2", "close done"]
    assert moved.state["phase"] == "closing"


async def test_a_human_from_the_items(pool: Dialogue) -> None:
    moved = await at_items(pool)
    moved = await pool.turn(Turn(moved.state, "我要转人工", via="text"))
    assert short(moved) == ["say H_now", "handoff request"]


async def test_a_resumed_call_asks_identity_again_and_skips_what_is_done(pool: Dialogue) -> None:
    moved = await pool.begin(Start(START.items, done=("B1",), problems=1))
    assert short(moved)[-2:] == ["say O_resume", "ask I1"]
    assert [item["id"] for item in moved.state["items"]] == ["B9", "NT2"]


async def test_the_same_state_gives_the_same_turn_on_any_worker(pool: Dialogue) -> None:
    before = await at_items(pool)
    turns = [pool.turn(Turn(before.state, "清楚了", via="text")) for _ in range(8)]
    results = await asyncio.gather(*turns)
    assert len({str((moved.acts, moved.state)) for moved in results}) == 1


# -- what a caller says is never a command


@pytest.mark.parametrize(
    "text",
    ["/identity_ok", " //identity_ok", "/ /identity_ok", "\u3000/identity_ok{}", "/\x1c/start"],
)
async def test_a_caller_cannot_speak_for_the_application(pool: Dialogue, text: str) -> None:
    moved = await pool.begin(START)
    for turn in ("方便", "是我"):
        moved = await pool.turn(Turn(moved.state, turn, via="text"))
    moved = await pool.turn(Turn(moved.state, text, via="text"))
    assert moved.state["phase"] == "identity_secret"
    assert not moved.state["verified"]
    assert "ask B1" not in short(moved)


@pytest.mark.parametrize("text", ["", "   ", "/", "是" * 10_000, "🙂", "\ud83d", "\x00\x07", "<b>"])
async def test_odd_text_is_never_a_yes_and_never_a_fault(pool: Dialogue, text: str) -> None:
    moved = await at_items(pool)
    moved = await pool.turn(Turn(moved.state, text, via="text"))
    assert moved.meaning is not None
    assert moved.meaning.answer == "unclear" or text.startswith("是")
    assert len(short(moved)) >= 1


async def test_parse_understands_without_a_conversation(pool: Dialogue) -> None:
    assert (await pool.parse("我清楚了", "yes")).answer == "yes"
    assert (await pool.parse("没有", "no")).answer == "no"
    assert (await pool.parse("转人工")).request == "human"


# -- workers that die


async def test_a_worker_killed_in_mid_turn_costs_less_than_two_seconds(pool: Dialogue) -> None:
    await pool.complete()
    before = await at_items(pool)
    stopped = await hold_next_worker(pool, before)
    os.kill(stopped.pid, signal.SIGKILL)
    began = time.monotonic()
    moved = await stopped.turn
    assert time.monotonic() - began < 2
    assert short(moved) == ["record B1", "say A_ok", "ask B9"]
    await pool.complete()
    assert pool.health()["alive"] == 2


async def test_a_stuck_worker_is_passed_by_and_its_late_reply_dropped(pool: Dialogue) -> None:
    await pool.complete()
    before = await at_items(pool)
    began = time.monotonic()
    stopped = await hold_next_worker(pool, before)
    moved = await stopped.turn
    assert time.monotonic() - began < 2
    assert short(moved) == ["record B1", "say A_ok", "ask B9"]
    os.kill(stopped.pid, signal.SIGCONT)
    for _ in range(6):  # both workers, the late one too, answer what they are asked now
        assert short(await pool.begin(START))[-1] == "ask O4"
    assert pool.health()["alive"] == 2


async def test_a_turn_given_up_leaves_the_pool_whole(pool: Dialogue) -> None:
    await pool.complete()
    turn = asyncio.create_task(pool.begin(START))
    await asyncio.sleep(0)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    await asyncio.gather(*(pool.begin(START) for _ in range(4)))
    assert pool.health() == {"wanted": 2, "alive": 2, "free": 2}


class Held:
    """A turn whose worker was stopped (SIGSTOP) before it could answer."""

    def __init__(self, pid: int, turn: asyncio.Task[Moved]) -> None:
        self.pid, self.turn = pid, turn


async def hold_next_worker(pool: Dialogue, before: Moved) -> Held:
    """Stop the worker that is asked next, then ask it."""
    pid = pool.free_pids[0]
    os.kill(pid, signal.SIGSTOP)
    turn = asyncio.create_task(pool.turn(Turn(before.state, "是的", via="text")))
    await asyncio.sleep(0)
    assert pid not in pool.free_pids
    return Held(pid, turn)


# -- faults


async def test_a_state_that_is_none_is_refused(pool: Dialogue) -> None:
    with pytest.raises(DialogueUnavailable, match="bad_request"):
        await pool.turn(Turn({"phase": "items", "surprise": 1}, "是的"))


async def test_an_action_that_fails_is_an_error_not_silence(pool: Dialogue) -> None:
    state = (await at_items(pool)).state
    with pytest.raises(DialogueUnavailable, match="failed: ActionFailed"):
        await pool.turn(Turn({**state, "items": []}, "是的", via="text"))


async def test_an_unknown_event_is_refused(pool: Dialogue) -> None:
    state = (await pool.begin(START)).state
    with pytest.raises(DialogueUnavailable, match="unknown event"):
        await pool.turn(Turn(state, event="affirm"))


async def test_a_worker_refuses_what_it_does_not_know_and_goes_on(worker: Worker) -> None:
    for request in ({"op": "dance"}, {}, {"op": "turn"}, {"op": "start", "start": 5}):
        with pytest.raises(WorkerRefused, match=r"^bad_request"):
            await worker.ask(request)
    await worker.send(b"no json\n")
    assert (await worker.ask({"op": "health"}))["health"]["pid"] == worker.pid


async def test_errors_never_quote_the_caller(worker: Worker) -> None:
    said = "我的身份证号是二一零一"
    with pytest.raises(WorkerRefused) as refusal:
        await worker.ask({"op": "turn", "turn": {"state": {said: said}, "text": said}})
    assert said not in str(refusal.value)


async def test_a_missing_model_or_interpreter_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="make model"):
        await Dialogue(PYTHON, tmp_path / "none.tar.gz", ROOT).start()
    with pytest.raises(ConfigError, match="make setup"):
        await Dialogue(tmp_path / "python", MODEL, ROOT).start()


async def test_a_model_that_is_none_is_a_clear_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"not a model")
    with pytest.raises(ConfigError, match="not a Rasa model"):
        await Dialogue(PYTHON, broken, ROOT, workers=1).start()


async def test_a_dead_worker_is_lost_not_waited_for(tmp_path: Path) -> None:
    launched = await Worker.launch(Launch(PYTHON, MODEL, ROOT, tmp_path))
    launched.kill()
    with pytest.raises(WorkerLost):
        await launched.ready()
    await launched.stop()


async def test_a_worker_ends_with_its_application(worker: Worker) -> None:
    """The last test of this worker."""
    worker.hang_up()
    assert await asyncio.wait_for(worker.ended(), timeout=10) == 0
