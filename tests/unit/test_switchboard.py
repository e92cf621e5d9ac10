"""What the exchange is told about calls, and when the bot takes one back."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from bot import off_loop
from bot.callbacks import Callbacks, Conversations
from bot.conversation.ending import Ending, Result
from bot.errors import StoreUnavailable
from bot.evidence.ledger import Draft
from bot.evidence.states import State
from bot.phone.switchboard import Switchboard
from bot.settings import Settings
from bot.store import Callback, Store
from tests.conftest import POLICY
from voice.pbx_events import KeyDown

UUID = "5a2f8c1e-0000-4000-8000-000000000001"
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


class Pool:
    """Recognition, as far as the switchboard asks."""

    saturated = False


@pytest.fixture
def switchboard(settings: Settings, store: Store, tmp_path: Path) -> Switchboard:
    nothing: Any = None  # these tests never come to speech or sound
    pool: Any = Pool()
    conversations = Conversations(Callbacks(settings, store), nothing)
    return Switchboard(conversations, pool, nothing, nothing, audio_folder=tmp_path, max_calls=1)


def handed_over(switchboard: Switchboard, store: Store) -> str:
    """A call that pressed 0 and waits in the queue."""
    callback = switchboard._callbacks.open(POLICY, "phone")
    switchboard.expect(UUID, callback)
    call = switchboard._calls[UUID]
    call.due, call.next, call.state = False, "transfer", {"phase": "handoff"}
    store.transfer(
        callback, 1, "queue", [Draft("handed_over", {"reason": "key", "generation": 2})], NOW, 1,
        state="HUMAN",
    )  # fmt: skip
    return callback


async def test_a_number_on_one_policy_is_known_and_any_other_is_a_humans(
    switchboard: Switchboard, store: Store
) -> None:
    phone = store.policy(POLICY).phone
    assert await switchboard.incoming(UUID, phone) == "known"
    assert switchboard.authorise(UUID)
    assert await switchboard.incoming(UUID.replace("1", "2"), "15400000000") == ""
    assert not switchboard.authorise(UUID.replace("1", "2"))


async def test_who_waits_for_a_human_and_calls_again_is_put_through_to_one(
    switchboard: Switchboard, store: Store
) -> None:
    """Nobody is questioned anew meanwhile, and the agent whose telephone rings sees the case."""
    callback = handed_over(switchboard, store)
    again, phone = UUID.replace("1", "2"), store.policy(POLICY).phone
    for _ in range(2):  # a dialplan that asks twice
        assert await switchboard.incoming(again, phone) == ""
    assert switchboard.callback_of(again) == callback
    assert not switchboard.authorise(again)
    assert await switchboard.back(again) == ""
    assert len(store.callbacks(policy=POLICY)) == 1


async def test_who_calls_after_the_callback_is_done_is_not_questioned_again(
    switchboard: Switchboard, store: Store
) -> None:
    callback = switchboard._callbacks.open(POLICY, "phone")
    for state in ("IN_PROGRESS", "COMPLETED_PROBLEM"):
        store.append(callback, [], wall=NOW, mono_ms=1, generation=1, state=state)
    assert await switchboard.incoming(UUID, store.policy(POLICY).phone) == ""
    assert len(store.callbacks(policy=POLICY)) == 1


async def test_beyond_the_limit_a_call_goes_straight_to_a_human(
    switchboard: Switchboard, store: Store
) -> None:
    switchboard._live.add("another callback")
    assert await switchboard.incoming(UUID, store.policy(POLICY).phone) == ""
    assert not switchboard.authorise(UUID)
    assert switchboard.room == 0
    assert switchboard.on_line("another callback")
    assert not switchboard.on_line(UUID)


async def test_who_is_in_the_chat_is_not_asked_by_phone_as_well(
    switchboard: Switchboard, store: Store
) -> None:
    callback = switchboard._callbacks.open(POLICY, "chat")
    switchboard._callbacks.serve(callback)
    assert await switchboard.incoming(UUID, store.policy(POLICY).phone) == "", "a human's"
    switchboard.expect(UUID, callback)
    assert not switchboard.authorise(UUID)
    switchboard._callbacks.leave(callback)
    assert switchboard.authorise(UUID)


class Silent:
    """A line on which nothing is said, and its connection."""

    rate = 8000

    def __init__(self, *_: object, **__: object) -> None: ...

    def record(self, _tap: object) -> None: ...

    async def close(self) -> None: ...


async def test_a_call_while_the_policyholder_chats_leaves_no_event_between_those_of_the_chat(
    switchboard: Switchboard, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chat may be at another bot, of which only the store knows. It counts its own events: an
    answer names the one that it rests on."""
    monkeypatch.setattr("bot.phone.switchboard.PhoneLine", Silent)
    callback = switchboard._callbacks.open(POLICY, "chat")
    chat = switchboard._callbacks.serve(callback)
    switchboard.expect(UUID, callback)
    await switchboard.on_call(UUID, Silent())  # type: ignore[arg-type]
    assert await switchboard.next(UUID) == "", "a human's"
    assert chat.next_seq == store.callback(callback).head_seq + 1
    assert not list(tmp_path.glob("*.wav*"))  # noqa: ASYNC240
    assert callback in switchboard._callbacks.served


async def test_a_hand_over_that_could_not_be_written_is_written_later(
    settings: Settings, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store was away when the caller was given to the humans."""
    monkeypatch.setattr("bot.phone.switchboard.PhoneLine", Silent)
    monkeypatch.setattr("bot.conversation.rescue.RETRY_S", 0.01)
    unread = [StoreUnavailable("away")] * 2

    class Broken:
        """A conversation whose hand-over was not committed."""

        async def run(self) -> Result:
            monkeypatch.setattr(store, "callback", away)
            return Result("handed_over", {"phase": "items"}, "failure")

    def away(callback: str) -> Callback:
        if unread:
            raise unread.pop()
        return found(callback)

    found, nothing, pool = store.callback, cast(Any, None), cast(Any, Pool())
    conversations = Conversations(Callbacks(settings, store), nothing)
    monkeypatch.setattr(conversations, "start", lambda *_, **__: Broken())
    switchboard = Switchboard(
        conversations, pool, nothing, nothing, audio_folder=tmp_path, max_calls=1
    )
    callback = switchboard._callbacks.open(POLICY, "phone")
    switchboard.expect(UUID, callback)
    await switchboard.on_call(UUID, Silent())  # type: ignore[arg-type]
    row = store.callback(callback)
    assert (unread, row.owner, row.state) == ([], "queue", State.HUMAN)
    assert row.snapshot == {"phase": "items"}
    assert (switchboard.calls, switchboard._callbacks.served) == (0, frozenset())


async def test_when_recognition_is_too_busy_new_calls_are_humans(
    switchboard: Switchboard, store: Store
) -> None:
    switchboard._pool.saturated = True  # type: ignore[misc]
    assert await switchboard.incoming(UUID, store.policy(POLICY).phone) == ""
    switchboard.expect(UUID, switchboard._callbacks.open(POLICY, "phone"))
    assert not switchboard.authorise(UUID)


@pytest.mark.parametrize(
    ("ending", "reason", "then"),
    [
        ("closed", "done", "hangup"),
        ("handed_over", "booked", "hangup"),
        ("handed_over", "key", "transfer"),
        ("lost", "", "transfer"),
        ("hung_up", "hangup", ""),
        ("hung_up", "line_failed", ""),
    ],
)
async def test_nobody_is_hung_up_on_but_after_the_bot_took_its_leave(
    switchboard: Switchboard, store: Store, ending: Ending, reason: str, then: str
) -> None:
    """Asterisk ends an AudioSocket that it cannot write to, and goes on with its caller."""
    switchboard.expect(UUID, switchboard._callbacks.open(POLICY, "phone"))
    call = switchboard._calls[UUID]
    call.due = False
    await switchboard._leave(UUID, call, Result(ending, {}, reason))
    assert await switchboard.next(UUID) == then


async def test_nobody_free_the_bot_takes_the_call_back_once(
    switchboard: Switchboard, store: Store
) -> None:
    callback = handed_over(switchboard, store)
    assert await switchboard.back(UUID) == "known"
    row = store.callback(callback)
    assert (row.owner, row.state, row.generation) == ("bot", State.IN_PROGRESS, 3)
    assert store.events(callback)[-1].kind == "returned"
    assert switchboard.authorise(UUID)
    switchboard._calls[UUID].due = False  # its sound came
    assert await switchboard.next(UUID) == ""
    assert await switchboard.back(UUID) == "", "a second time it stays with the humans"


async def test_who_was_taken_back_gets_through_however_busy_recognition_is(
    switchboard: Switchboard, store: Store
) -> None:
    """That is when the humans are busy, too: no new call comes to the bot."""
    handed_over(switchboard, store)
    switchboard._pool.saturated = True  # type: ignore[misc]
    assert await switchboard.back(UUID) == "known"
    assert switchboard.authorise(UUID)


async def test_who_was_taken_back_and_does_not_get_through_is_in_the_humans_list_again(
    switchboard: Switchboard, store: Store
) -> None:
    """The agent whose telephone rings next finds the case."""
    callback = handed_over(switchboard, store)
    assert await switchboard.back(UUID) == "known"
    switchboard._live.add("another callback")
    assert not switchboard.authorise(UUID)
    assert await switchboard.next(UUID) == "transfer"
    row = store.callback(callback)
    assert (row.owner, row.state) == ("queue", State.HUMAN)
    assert [event.kind for event in store.events(callback)[-2:]] == ["failed", "handed_over"]
    assert await switchboard.back(UUID) == "", "it stays with the humans"
    assert not switchboard.authorise(UUID)


async def test_who_was_taken_back_too_late_for_the_exchange_is_in_the_humans_list_again(
    switchboard: Switchboard, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has not waited for the answer: its caller is in the queue still."""
    callback = handed_over(switchboard, store)
    monkeypatch.setattr("bot.phone.switchboard.BACK_S", 0.0)
    assert await switchboard.back(UUID) == ""
    row = store.callback(callback)
    assert (row.owner, row.state) == ("queue", State.HUMAN)
    assert not switchboard.authorise(UUID)
    assert await switchboard.next(UUID) == "transfer"


@pytest.mark.parametrize("first", ["taken back", "settled"])
async def test_a_store_that_hangs_while_a_call_is_taken_back_leaves_it_to_the_humans(
    switchboard: Switchboard, store: Store, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """What hangs is written in the end, before it is settled or after; its caller waits still."""
    callback, write = handed_over(switchboard, store), store.transfer
    release, late = threading.Event(), threading.Event()

    def hanging(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(store, "transfer", write)
        release.wait()
        try:
            return write(*given, **named)
        finally:
            late.set()

    monkeypatch.setattr(store, "transfer", hanging)
    monkeypatch.setattr(off_loop, "ANSWER_S", 0.1)
    assert await switchboard.back(UUID) == ""
    monkeypatch.setattr(off_loop, "ANSWER_S", 6.0)
    (settling,) = switchboard._settling
    if first == "settled":
        await settling
    release.set()
    await asyncio.to_thread(late.wait)
    if not settling.done():
        await settling
    row = store.callback(callback)
    assert (row.owner, row.state) == ("queue", State.HUMAN)
    assert not switchboard.authorise(UUID)
    assert await switchboard.next(UUID) == "transfer"


async def test_what_a_human_has_taken_is_not_taken_back(
    switchboard: Switchboard, store: Store
) -> None:
    callback = handed_over(switchboard, store)
    taken = [Draft("taken", {"agent": "agent1", "generation": 3})]
    store.transfer(callback, 2, "human:agent1", taken, NOW, 1)
    assert await switchboard.back(UUID) == ""
    assert store.callback(callback).owner == "human:agent1"


async def test_who_waits_in_the_chat_as_well_is_not_taken_back(
    switchboard: Switchboard, store: Store
) -> None:
    callback = handed_over(switchboard, store)
    switchboard._callbacks.serve(callback)  # the page was opened while the call was in the queue
    assert await switchboard.back(UUID) == ""
    assert store.callback(callback).owner == "queue"


async def test_a_call_that_was_not_handed_over_does_not_come_back(
    switchboard: Switchboard, store: Store
) -> None:
    assert await switchboard.back(UUID) == ""
    switchboard.expect(UUID, switchboard._callbacks.open(POLICY, "phone"))
    assert await switchboard.back(UUID) == ""


def test_a_dialled_call_that_never_came_is_forgotten(
    switchboard: Switchboard, store: Store
) -> None:
    callback = switchboard._callbacks.open(POLICY, "phone")
    switchboard.expect(UUID, callback, outbound=True)
    assert switchboard.callback_of(UUID) == callback
    switchboard.forget(UUID)
    assert switchboard.callback_of(UUID) is None
    assert not switchboard.authorise(UUID)


def test_keys_of_calls_without_a_line_disturb_nothing(switchboard: Switchboard) -> None:
    switchboard.on_pbx(KeyDown(UUID, "0"))
    switchboard.expect(UUID, switchboard._callbacks.open(POLICY, "phone"))
    switchboard.on_pbx(KeyDown(UUID, "0"))


def test_only_keys_of_a_telephone_stop_our_speech(switchboard: Switchboard) -> None:
    class Line:
        downs = 0

        def key_down(self) -> None:
            self.downs += 1

    line: Any = Line()
    switchboard.expect(UUID, switchboard._callbacks.open(POLICY, "phone"))
    switchboard._calls[UUID].line = line
    for digit in "AD0":
        switchboard.on_pbx(KeyDown(UUID, digit))
    assert line.downs == 1


def test_who_prefers_another_language_is_told_of_a_human_and_nothing_else(
    switchboard: Switchboard, store: Store
) -> None:
    """Nothing else need be rendered before the call."""
    callbacks, policy = switchboard._callbacks, store.policy(POLICY)
    told = callbacks.sentences(replace(policy, language="ko"))
    assert told[-2:] == ["我只会说普通话。", "我请人工客服来为您办理，请不要挂机。"]
    usual = callbacks.sentences(policy)
    assert set(told[:-2]) < set(usual)
    assert not set(told[-2:]) & set(usual)
    korean = replace(policy, language="ko", coverage="사망 보험금을 지급")
    assert "사망" not in "".join(callbacks.contingencies(korean))  # no voice could say it
    assert "사망" in "".join(callbacks.contingencies(replace(korean, language="zh")))
