"""The bot's own calls: written down before they are asked for, never placed twice by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from bot.answers.expectation import Said
from bot.callbacks import Callbacks, Conversations
from bot.cli.dialling import order, placed
from bot.cli.importing import chat_link
from bot.conversation.inquiries import Inquiries
from bot.errors import ConfigError, ServedElsewhere, StoreUnavailable, UnderWay
from bot.evidence.ledger import Draft
from bot.humans.handoff import HumanDesk
from bot.phone.dialer import AT_ONCE, LOOK_AGAIN_S, UNREADY, WORDS_S, Dialer, may_dial, undecided
from bot.policies.policy import Policy
from bot.settings import Settings
from bot.store import Store
from bot.vault.datakey import Unreadable
from bot.web.desk import LinkInvalid
from tests.conftest import POLICY, HandClock
from tests.harm import crippled, damage
from voice.ami_client import AmiRefused, AmiUnavailable
from voice.pbx import outcome
from voice.pbx_events import Answered, Gone, NotDialled

DAY = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


class Exchange:
    """Stands for switchboard and manager: remembers what it was asked, at which state of disk."""

    def __init__(self) -> None:
        self.up, self.room, self.open = True, 5, True
        self.heard = ""  # what the carrier said before anybody answered
        self.asked: list[tuple[str, str]] = []
        self.expected: list[str] = []
        self.error: Exception | None = None
        self.look: Callable[[], object] = lambda: None
        self.seen: list[object] = []
        self.told: list[tuple[str, object]] = []  # answered calls, and what was on disk then
        self.sounding: set[str] = set()  # calls that `room` has counted

    def on_line(self, uuid: str) -> bool:
        return uuid in self.sounding

    def expect(self, uuid: str, callback: str, *, outbound: bool) -> None:
        assert outbound
        self.expected.append(uuid)

    def answered(self, uuid: str) -> None:
        self.told.append((uuid, self.look()))

    def prompt(self, uuid: str) -> str:
        return self.heard

    def forget(self, uuid: str) -> None:
        self.expected.remove(uuid)

    async def dial(self, uuid: str, number: str) -> None:
        self.seen.append(await asyncio.to_thread(self.look))
        if self.error:
            raise self.error
        self.asked.append((uuid, number))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", call_hours=(0, 24))


@pytest.fixture
def callbacks(settings: Settings, store: Store) -> Callbacks:
    return Callbacks(settings, store, HandClock(DAY))


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


class Words:
    """What is rendered; all of it unless a test says otherwise."""

    def __init__(self) -> None:
        self.rendered = True
        self.hurried: list[str] = []

    def ready(self, policy: Policy) -> bool:
        return self.rendered

    def hurry(self, policy: Policy) -> None:
        self.hurried.append(policy.number)


@pytest.fixture
def words() -> Words:
    return Words()


@pytest.fixture
def dialer(callbacks: Callbacks, exchange: Exchange, words: Words) -> Dialer:
    return Dialer(callbacks, exchange, exchange, words)  # type: ignore[arg-type]


@pytest.fixture
def due(callbacks: Callbacks, store: Store) -> str:
    """A callback whose call is due."""
    callback = callbacks.open(POLICY, "phone")
    store.book(callback, DAY)
    return callback


def kinds(store: Store, callback: str) -> list[str]:
    return [e.kind for e in store.events(callback)]


def outcomes(store: Store, callback: str) -> list[str]:
    return [e.body["outcome"] for e in store.events(callback) if e.kind == "dial_ended"]


async def test_a_call_is_on_disk_before_it_is_asked_for(
    dialer: Dialer, exchange: Exchange, store: Store, due: str
) -> None:
    exchange.look = lambda: kinds(store, due)
    assert await dialer.round() == 1
    assert exchange.seen == [["created", "dialled"]]
    ((call, number),) = exchange.asked
    assert number == store.policy_of(due).phone
    assert exchange.expected == [call]
    assert store.bookings() == []
    assert await dialer.round() == 0


async def test_the_number_and_the_end_of_the_contract_are_those_of_now(
    dialer: Dialer, exchange: Exchange, store: Store, due: str
) -> None:
    policy = store.policy(POLICY)
    store.save_policies([replace(policy, phone="15499999999")])
    assert await dialer.round() == 1
    assert [number for _, number in exchange.asked] == ["15499999999"]
    assert store.events(due)[-1].kind == "dialled", "nothing that is asked has changed"

    dialer.on_pbx(Gone(exchange.asked[0][0], 17))
    await dialer.close()
    store.save_policies([replace(policy, ended_on=date(2026, 11, 24))])
    store.book(due, DAY)
    assert await dialer.round() == 0
    assert store.bookings() == []


async def test_what_an_import_has_corrected_is_not_asked_as_it_was(
    dialer: Dialer, exchange: Exchange, callbacks: Callbacks, store: Store, due: str
) -> None:
    policy = store.policy(POLICY)
    store.save_policies([replace(policy, premium=policy.premium + 1)])
    assert await dialer.round() == 0, "the call is booked anew"
    assert await dialer.round() == 1
    assert len(exchange.asked) == 1
    assert store.bookings() == []
    newest = store.callbacks(policy=POLICY)[0]
    assert newest.id != due
    assert store.policy_of(newest.id).premium == policy.premium + 1
    assert callbacks.open(POLICY, "chat") == newest.id


async def test_a_time_that_was_named_after_an_import_counts_and_not_the_one_of_before(
    dialer: Dialer, exchange: Exchange, callbacks: Callbacks, store: Store, due: str
) -> None:
    policy = store.policy(POLICY)
    store.save_policies([replace(policy, premium=policy.premium + 1)])
    following, named = callbacks.open(POLICY, "chat"), DAY + timedelta(hours=5)
    store.book(following, named)
    for _ in range(2):
        assert await dialer.round() == 0
    assert [(booking.callback, booking.at) for booking in store.bookings()] == [(following, named)]
    assert exchange.asked == []


@pytest.mark.parametrize("state", ["READY", "INCOMPLETE", "COMPLETED_CLEAN"])
async def test_a_correction_that_was_taken_back_brings_no_older_callback_back(
    state: str,
    dialer: Dialer,
    exchange: Exchange,
    callbacks: Callbacks,
    store: Store,
    due: str,
) -> None:
    """How the policy stands is told by its newest callback: one that went on in an older one would
    be asked of again."""
    first = store.policy(POLICY)
    store.save_policies([replace(first, premium=first.premium + 1)])
    between = callbacks.open(POLICY, "chat")
    if state != "READY":
        left_as(store, between, state)
    link = store.token_for(due)
    store.save_policies([first])
    desk = HumanDesk(Conversations(callbacks, None), None)  # type: ignore[arg-type]
    with pytest.raises(LinkInvalid):
        await desk.open_chat(link)
    await dialer.round()  # the call is booked anew, where one is due
    await dialer.round()
    calls = 0 if state == "COMPLETED_CLEAN" else 1
    assert len(exchange.asked) == calls
    assert store.bookings() == []
    newest = callbacks.open(POLICY, "phone")
    assert newest not in {due, between}
    assert store.policy_of(newest) == first
    assert kinds(store, newest).count("dialled") == calls


async def test_a_call_waits_for_its_words_but_not_for_ever(
    dialer: Dialer,
    exchange: Exchange,
    words: Words,
    callbacks: Callbacks,
    store: Store,
    due: str,
) -> None:
    words.rendered = False
    assert await dialer.round() == 0
    assert words.hurried == [POLICY]
    assert exchange.asked == []
    assert len(store.bookings()) == 1
    clock = callbacks.clock
    assert isinstance(clock, HandClock)
    clock.wall += timedelta(hours=1)  # somebody has set it
    clock.mono += int(WORDS_S * 1000) - 1000
    assert await dialer.round() == 0
    clock.mono += 1000
    assert await dialer.round() == 1


async def test_who_waits_for_words_keeps_nobody_else_waiting(
    dialer: Dialer, exchange: Exchange, words: Words, callbacks: Callbacks, store: Store, due: str
) -> None:
    other = "902626001018"
    store.book(callbacks.open(other, "phone"), DAY)
    words.ready = lambda policy: policy.number == other  # type: ignore[method-assign]
    assert await dialer.round() == 1
    ((_, number),) = exchange.asked
    assert number == store.policy(other).phone


async def test_a_record_that_cannot_be_read_keeps_nobody_else_waiting(
    dialer: Dialer, exchange: Exchange, callbacks: Callbacks, store: Store, due: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    other = "902626001018"
    store.book(callbacks.open(other, "phone"), DAY)
    read = store.policy_of

    def damaged(callback: str) -> Policy:
        if callback == due:
            raise Unreadable("something sealed cannot be opened: it was changed")
        return read(callback)

    monkeypatch.setattr(store, "policy_of", damaged)
    assert await dialer.round() == 1
    ((_, number),) = exchange.asked
    assert number == store.policy(other).phone


async def test_however_many_records_cannot_be_read_whoever_is_due_is_called(
    dialer: Dialer, exchange: Exchange, callbacks: Callbacks, store: Store, due: str
) -> None:
    policy = store.policy(POLICY)
    others = [f"{int(POLICY) + n + 1}" for n in range(2 * (AT_ONCE + UNREADY))]
    store.save_policies([replace(policy, number=number) for number in others])
    damaged = [callbacks.open(number, "phone") for number in others]
    for callback in damaged:
        store.book(callback, DAY - timedelta(hours=1))
    damage(store, *damaged)
    with structlog.testing.capture_logs() as logs:
        assert await dialer.round() == 1
        assert await dialer.round() == 0
    assert [number for _, number in exchange.asked] == [policy.phone]
    assert len(store.bookings(limit=1000)) == len(damaged), "none is lost"
    told = [entry["callback"] for entry in logs if entry["event"] == "dialer.skipped"]
    assert sorted(told) == sorted(damaged), "once each"
    clock = callbacks.clock
    assert isinstance(clock, HandClock)
    clock.mono += int(LOOK_AGAIN_S * 1000)
    with structlog.testing.capture_logs() as logs:
        await dialer.round()
    assert len(logs) == len(damaged), "perhaps it can be read by now"


async def test_a_round_that_breaks_is_not_the_last(
    dialer: Dialer, exchange: Exchange, monkeypatch: pytest.MonkeyPatch, due: str
) -> None:
    monkeypatch.setattr("bot.phone.dialer.POLL_S", 0.0)
    ask = dialer.round

    async def breaks_once() -> int:
        monkeypatch.setattr(dialer, "round", ask)
        raise TypeError("a fault of ours")

    monkeypatch.setattr(dialer, "round", breaks_once)
    running = asyncio.create_task(dialer.run())
    async with asyncio.timeout(5):
        while not (exchange.asked or running.done()):  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0)
    running.cancel()
    assert len(exchange.asked) == 1


async def test_on_a_disk_that_takes_nothing_nobody_is_called(
    dialer: Dialer, exchange: Exchange, store: Store, due: str
) -> None:
    with crippled(store, "query_only = ON"), pytest.raises(StoreUnavailable, match="read-only"):
        await dialer.round()
    assert exchange.asked == []
    assert [booking.callback for booking in store.bookings()] == [due]
    assert await dialer.round() == 1, "once it can be written again"


@pytest.mark.parametrize(
    ("event", "result"),
    [
        (lambda call: Answered(call), "answered"),
        (lambda call: Gone(call, 17), "busy"),
        (lambda call: Gone(call, 0), "unknown"),
        (lambda call: NotDialled(call), "not_registered"),
    ],
)
async def test_its_outcome_is_written_once(
    event: Callable[[str], Answered | Gone | NotDialled],
    result: str,
    dialer: Dialer,
    exchange: Exchange,
    store: Store,
    due: str,
) -> None:
    await dialer.round()
    call = exchange.asked[0][0]
    dialer.on_pbx(event(call))
    dialer.on_pbx(Gone(call, 16))
    await dialer.close()
    assert outcomes(store, due) == [result]
    assert undecided(store.events(due)) == []
    assert exchange.expected == ([call] if result == "answered" else [])


async def test_the_conversation_begins_when_the_answer_is_on_record(
    dialer: Dialer, exchange: Exchange, store: Store, due: str
) -> None:
    exchange.look = lambda: outcomes(store, due)
    await dialer.round()
    call = exchange.asked[0][0]
    dialer.on_pbx(Answered(call))
    await dialer.close()
    assert exchange.told == [(call, ["answered"])]


async def test_no_chat_begins_while_the_telephone_rings(
    dialer: Dialer, exchange: Exchange, callbacks: Callbacks, store: Store, due: str
) -> None:
    """Its events would be counted by two, and whoever picks up would wait in vain."""
    await dialer.round()
    with pytest.raises(ServedElsewhere):
        callbacks.serve(due)
    dialer.on_pbx(Gone(exchange.asked[0][0], 17))
    await dialer.close()
    callbacks.serve(due)

    callbacks.leave(due)
    store.book(due, DAY)
    await dialer.round()  # and nothing more is heard of it
    clock = callbacks.clock
    assert isinstance(clock, HandClock)
    clock.mono += 120_000
    callbacks.serve(due)


async def test_nobody_is_called_whose_chat_begins_this_moment(
    dialer: Dialer, exchange: Exchange, callbacks: Callbacks, store: Store, due: str
) -> None:
    callbacks.serve(due)  # and has written nothing yet
    assert await dialer.round() == 0
    assert len(store.bookings()) == 1


async def test_an_outcome_comes_between_no_events_of_a_conversation(
    dialer: Dialer,
    exchange: Exchange,
    callbacks: Callbacks,
    store: Store,
    due: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The manager was away when the call was answered, and tells now."""
    monkeypatch.setattr("bot.phone.dialer.POLL_S", 0)
    await dialer.round()
    call = exchange.asked[0][0]
    callbacks.rung(due)
    pen = callbacks.serve(due)
    told = asyncio.Event()
    exchange.look = told.set
    dialer.on_pbx(Answered(call))
    await asyncio.wait_for(told.wait(), 5)
    await pen.write([Draft("called", {"line": "phone"})], state="IN_PROGRESS")
    assert pen.next_seq == len(store.events(due))
    callbacks.leave(due)
    await dialer.close()
    assert kinds(store, due)[-2:] == ["called", "dial_ended"]


def test_a_lost_call_is_not_settled_in_mid_conversation(
    callbacks: Callbacks, store: Store, settings: Settings, due: str
) -> None:
    dialled = [Draft("dialled", {"call": "1"})]
    store.append(due, dialled, wall=DAY, mono_ms=1, generation=1, state="IN_PROGRESS")
    with pytest.raises(UnderWay):
        order(settings, POLICY, None)
    assert kinds(store, due)[-1] == "dialled"


async def test_what_the_carrier_said_tells_more_than_the_cause(
    dialer: Dialer, exchange: Exchange, store: Store, due: str
) -> None:
    await dialer.round()
    exchange.heard = "switched_off"
    dialer.on_pbx(Gone(exchange.asked[0][0], 16))
    await dialer.close()
    assert outcomes(store, due) == ["switched_off"]


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (AmiRefused("no such extension"), "failed"),
        (ValueError("no number"), "failed"),
        (AmiUnavailable("gone"), "unknown"),
    ],
)
async def test_what_the_manager_refused_or_never_answered(
    error: Exception, result: str, dialer: Dialer, exchange: Exchange, store: Store, due: str
) -> None:
    exchange.error = error
    await dialer.round()
    await dialer.close()
    assert outcomes(store, due) == [result]
    assert exchange.expected == []


async def test_a_call_whose_outcome_nobody_knows_is_not_placed_again(
    dialer: Dialer, exchange: Exchange, settings: Settings, store: Store, due: str
) -> None:
    await dialer.round()  # and the process dies here
    reborn = Dialer(dialer._callbacks, exchange, exchange, Words())  # type: ignore[arg-type]
    store.book(due, DAY)
    assert await reborn.round() == 0
    assert len(exchange.asked) == 1
    (call,) = placed(settings, 10)
    assert (call.outcome, call.look) == ("unknown", True)


async def test_a_call_that_was_promised_after_one_whose_outcome_nobody_knows_is_placed(
    dialer: Dialer, exchange: Exchange, store: Store, due: str
) -> None:
    await dialer.round()  # and the process dies here; then the policyholder calls us
    at = {"wall": DAY, "mono_ms": 1, "generation": store.callback(due).generation}
    store.append(due, [Draft("called", {"line": "phone"})], **at, state="IN_PROGRESS")
    closed = Draft("closed", {"outcome": "busy", "state": "INCOMPLETE"})
    store.append(due, [closed], **at, state="INCOMPLETE", outcome="busy")
    store.book(due, DAY)
    reborn = Dialer(dialer._callbacks, exchange, exchange, Words())  # type: ignore[arg-type]
    assert await reborn.round() == 1


async def test_a_damaged_record_hides_no_call_that_was_placed(
    dialer: Dialer, callbacks: Callbacks, settings: Settings, store: Store, due: str
) -> None:
    await dialer.round()
    other = callbacks.open("902626001018", "phone")
    damage(store, other)
    assert [call.callback for call in placed(settings, 10)] == [due]


async def test_an_operator_who_knows_may_order_it_anew(
    dialer: Dialer, exchange: Exchange, settings: Settings, store: Store, due: str
) -> None:
    await dialer.round()
    assert order(settings, POLICY, DAY) == due
    assert await dialer.round() == 1
    assert [call.look for call in placed(settings, 10)] == [True, False]


async def test_nobody_is_called_whom_a_human_has(
    dialer: Dialer, exchange: Exchange, store: Store, callbacks: Callbacks, due: str
) -> None:
    row = store.callback(due)
    body = {"reason": "request", "generation": row.generation + 1}
    store.transfer(
        due, row.generation, "queue", [Draft("handed_over", body)], DAY, 1, state="HUMAN"
    )
    assert await dialer.round() == 0
    assert exchange.asked == []
    assert store.bookings() == []


async def test_nobody_is_called_who_is_talking_with_us(
    dialer: Dialer, exchange: Exchange, store: Store, due: str
) -> None:
    """In the chat, say: the booking waits, and is dialled if the chat came to no end."""
    for state, calls in (("IN_PROGRESS", 0), ("INCOMPLETE", 1)):
        row = store.callback(due)
        store.append(due, [], wall=DAY, mono_ms=1, generation=row.generation, state=state)
        assert await dialer.round() == calls
        assert len(store.bookings()) == 1 - calls


@pytest.mark.parametrize("change", ["up", "room", "hours"])
async def test_without_manager_room_or_daylight_the_booking_waits(
    change: str, dialer: Dialer, exchange: Exchange, store: Store, due: str
) -> None:
    if change == "up":
        exchange.up = False
    elif change == "room":
        exchange.room = 0
    else:
        dialer._callbacks.settings.call_hours = (0, 0)
    assert await dialer.round() == 0
    assert len(store.bookings()) == 1


async def test_a_call_that_rings_takes_one_place_with_sound_or_without(
    dialer: Dialer, exchange: Exchange, due: str
) -> None:
    """With early media a call that rings is on the line already."""
    exchange.room = 2
    for uuid in ("silent", "sounding"):
        dialer._dialling[uuid] = uuid
    exchange.sounding.add("sounding")
    exchange.room -= len(exchange.sounding)
    assert await dialer.round() == 0
    exchange.room += 1
    assert await dialer.round() == 1


@pytest.fixture(params=["UTC0", "CST-8", "EST5"])
def machine_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever the server's clock is set to."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("machine_zone")
@pytest.mark.parametrize(
    ("utc", "calls"), [("00:59", 0), ("01:00", 1), ("12:59", 1), ("13:00", 0), ("20:00", 0)]
)
async def test_the_hours_of_rule_28_are_china_s(
    utc: str, calls: int, dialer: Dialer, callbacks: Callbacks, store: Store, due: str
) -> None:
    clock = callbacks.clock
    assert isinstance(clock, HandClock)
    clock.wall = datetime.fromisoformat(f"2026-11-24T{utc}+00:00")
    callbacks.settings.call_hours = (9, 21)
    assert await dialer.round() == calls


@pytest.mark.usefixtures("machine_zone")
async def test_the_time_a_policyholder_names_is_china_s(
    callbacks: Callbacks, store: Store, settings: Settings
) -> None:
    callback = callbacks.open(POLICY, "phone")
    policy = store.policy_of(callback)
    asked = Inquiries(callbacks.script(policy), policy, callbacks.scribe(callback), callbacks.clock)
    three = Said("今天下午三点", "voice", 0.9)
    assert await asked.reschedule(three, by="bot") == "time_booked"
    assert asked.slot == {"slot": "今天下午三点"}
    assert store.bookings()[0].at == datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
    order(settings, POLICY, datetime(2026, 11, 24, 10, 0))
    assert store.bookings()[0].at == datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


async def test_a_humans_booking_is_not_the_bots_to_dial(
    dialer: Dialer, exchange: Exchange, store: Store, callbacks: Callbacks
) -> None:
    store.book(callbacks.open(POLICY, "phone"), DAY, by="human")
    assert await dialer.round() == 0


def left_as(store: Store, callback: str, state: str) -> None:
    for following in ("IN_PROGRESS", state):
        store.append(callback, [], wall=DAY, mono_ms=1, generation=1, state=following)


@pytest.mark.parametrize("state", ["HUMAN", "COMPLETED_CLEAN"])
def test_an_order_for_whom_a_human_has_or_who_answered_all_is_refused(
    state: str, settings: Settings, store: Store, callbacks: Callbacks
) -> None:
    left_as(store, callbacks.open(POLICY, "phone"), state)
    with pytest.raises(ConfigError, match=state):
        order(settings, POLICY, None)
    assert len(store.callbacks(policy=POLICY)) == 1
    assert store.bookings() == []


@pytest.mark.parametrize("state", ["NOT_ME", "COMPLETED_PROBLEM"])
def test_an_order_after_a_wrong_person_or_a_problem_is_a_new_callback(
    state: str, settings: Settings, store: Store, callbacks: Callbacks
) -> None:
    callback = callbacks.open(POLICY, "phone")
    left_as(store, callback, state)
    other = order(settings, POLICY, None)
    assert other != callback


def test_a_link_for_whom_a_human_has_leads_there(
    settings: Settings, store: Store, callbacks: Callbacks
) -> None:
    callback = callbacks.open(POLICY, "chat")
    left_as(store, callback, "HUMAN")
    found = store.callback_by_token(chat_link(settings, POLICY).partition("#t=")[2])
    assert found is not None
    assert found.id == callback


@pytest.mark.parametrize(
    ("hour", "open_"), [(8, False), (9, True), (20, True), (21, False), (0, False)]
)
def test_hours_of_rule_28(hour: int, open_: bool) -> None:
    assert may_dial(datetime(2026, 11, 23, hour, 59), (9, 21)) is open_


def test_every_usual_cause_has_an_outcome() -> None:
    causes = {17: "busy", 19: "no_answer", 21: "rejected", 1: "no_such_number", 34: "congestion"}
    assert {cause: outcome(cause) for cause in causes} == causes
    assert outcome(111) == "failed"


def test_config_errors_are_told_in_words(settings: Settings) -> None:
    settings.data.mkdir()
    secret = settings.data / "ami.secret"
    secret.write_text("s3cret\n")
    secret.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        settings.manager_secret()
    secret.chmod(0o600)
    assert settings.manager_secret() == "s3cret"


async def test_no_time_is_taken_at_which_nobody_would_be_called(
    callbacks: Callbacks, store: Store
) -> None:
    callbacks.settings.call_hours = (10, 20)
    callback = callbacks.open(POLICY, "phone")
    policy = store.policy_of(callback)
    script = callbacks.script(policy)
    asked = Inquiries(script, policy, callbacks.scribe(callback), callbacks.clock)
    late = Said("今天晚上八点半", "voice", 0.9)
    assert await asked.reschedule(late, by="bot") == "time_unheard"
    assert "早上十点以后、晚上八点以前" in script.clauses["K_retry"].text
