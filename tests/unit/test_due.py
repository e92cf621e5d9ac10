"""No policy is forgotten: what is still to be made or settled stands on one list, by its day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from bot.callbacks import Callbacks
from bot.cli.main import app
from bot.errors import ConfigError, UnderWay
from bot.evidence.ledger import Draft
from bot.humans.due import Due, working_day
from bot.humans.settling import list_due, settle
from bot.settings import Settings
from bot.store import Store
from tests.conftest import POLICY, HandClock
from tests.harm import damage

IN_TIME = datetime(2026, 12, 5, 15, 59, tzinfo=UTC)  # a minute before midnight in China


@pytest.fixture
def clock() -> HandClock:
    return HandClock(IN_TIME)


@pytest.fixture
def callback(settings: Settings, store: Store, clock: HandClock) -> str:
    return Callbacks(settings, store, clock).open(POLICY, "phone")


def ended(store: Store, callback: str, state: str, when: datetime = IN_TIME) -> None:
    """An attempt that came to this."""
    called, closed = Draft("called", {"line": "chat"}), {"outcome": "hangup", "state": state}
    store.append(callback, [called], wall=when, mono_ms=1, generation=1, state="IN_PROGRESS")
    drafts = [Draft("closed", closed)] if state != "HUMAN" else []
    store.append(
        callback, drafts, wall=when, mono_ms=1, generation=1, state=state, outcome="hangup"
    )


def standing(store: Store, clock: HandClock) -> Due | None:
    return next((one for one in list_due(store, clock) if one.policy == POLICY), None)


def test_who_was_never_called_is_due_by_the_last_day_of_cooling_off(
    store: Store, clock: HandClock
) -> None:
    found = list_due(store, clock)
    assert len(found) == 10, "every policy of the example"
    assert [one.by for one in found] == sorted(one.by for one in found)
    one = standing(store, clock)
    assert one is not None
    assert (one.by, one.overdue, one.what) == ("2026-12-05", False, "nobody has called")
    clock.wall = datetime(2026, 12, 5, 16, 0, tzinfo=UTC)
    one = standing(store, clock)
    assert one is not None
    assert one.overdue, "it is the sixth in China"


@pytest.mark.parametrize(
    ("state", "what"),
    [
        ("NOT_ME", "somebody else answered"),
        ("INCOMPLETE", "broken off: hangup"),
        ("HUMAN", "with bot"),
        ("COMPLETED_PROBLEM", "problem case"),
        ("COMPLETED_CLEAN", None),
    ],
)
def test_whatever_did_not_end_as_hoped_for_stays_due(
    state: str, what: str | None, store: Store, clock: HandClock, callback: str
) -> None:
    ended(store, callback, state)
    one = standing(store, clock)
    assert (one and one.what) == what


def test_who_was_not_reached_is_due_and_what_is_booked_is_told(
    store: Store, clock: HandClock, callback: str
) -> None:
    missed = [
        Draft("dialled", {"call": "1"}),
        Draft("dial_ended", {"call": "1", "outcome": "busy", "cause": 17}),
    ]
    store.append(callback, missed, wall=IN_TIME, mono_ms=1, generation=1)
    store.book(callback, datetime(2026, 12, 6, 2, 0, tzinfo=UTC))
    one = standing(store, clock)
    assert one is not None
    assert one.what == "not reached: busy"
    assert one.booked == "2026-12-06T02:00+00:00"


def test_a_call_that_was_lost_is_not_told_as_none(
    store: Store, clock: HandClock, callback: str
) -> None:
    lost = [
        Draft("dialled", {"call": "1"}),
        Draft("dial_ended", {"call": "1", "outcome": "busy", "cause": 17}),
        Draft("dialled", {"call": "2"}),
    ]
    store.append(callback, lost, wall=IN_TIME, mono_ms=1, generation=1)
    one = standing(store, clock)
    assert one is not None
    assert one.what == "not reached: outcome unknown"


def test_a_problem_case_has_fifteen_working_days(
    store: Store, clock: HandClock, callback: str
) -> None:
    ended(store, callback, "COMPLETED_PROBLEM", datetime(2026, 11, 23, 2, 0, tzinfo=UTC))
    one = standing(store, clock)
    assert one is not None
    assert one.by == "2026-12-14"
    assert working_day(date(2026, 11, 28), 1) == date(2026, 11, 30), "from a Saturday to Monday"


def test_it_is_settled_by_a_result_only_and_until_the_next_call(
    store: Store, clock: HandClock, callback: str
) -> None:
    with pytest.raises(ConfigError, match="what came of it"):
        settle(store, clock, callback, "  ")
    ended(store, callback, "NOT_ME")
    settle(store, clock, callback, "客服专员上门回访，已确认")
    assert standing(store, clock) is None
    assert store.events(callback)[-1].body["result"] == "客服专员上门回访，已确认"


def test_a_call_after_it_was_settled_counts_anew(
    store: Store, clock: HandClock, callback: str
) -> None:
    ended(store, callback, "INCOMPLETE")
    settle(store, clock, callback, "已寄信函")
    ended(store, callback, "INCOMPLETE")
    assert standing(store, clock) is not None


@pytest.mark.parametrize(
    ("state", "error"),
    [("HUMAN", ConfigError), ("COMPLETED_CLEAN", ConfigError), ("IN_PROGRESS", UnderWay)],
)
def test_what_is_under_way_or_needs_nothing_is_not_settled(
    state: str, error: type[Exception], store: Store, clock: HandClock, callback: str
) -> None:
    ended(store, callback, state)
    with pytest.raises(error):
        settle(store, clock, callback, "已处理")


@pytest.mark.parametrize(
    "said",
    [
        Draft("handed_over", {"reason": "complaint", "generation": 2}),
        Draft("handed_over", {"reason": "surrender", "generation": 2}),
        Draft("flagged", {"code": "P18_INTERFERENCE"}),
    ],
)
def test_a_complaint_stays_due_though_every_answer_was_as_hoped_for(
    said: Draft, store: Store, clock: HandClock, callback: str
) -> None:
    at, when = {"wall": IN_TIME, "mono_ms": 1}, datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    begun = [Draft("called", {"line": "chat"})]
    store.append(callback, begun, **at, generation=1, state="IN_PROGRESS")
    store.transfer(callback, 1, "queue", [said], **at, state="HUMAN")
    closed = Draft("closed", {"outcome": "ended_by_human", "state": "COMPLETED_CLEAN"})
    store.transfer(callback, 2, "bot", [closed], wall=when, mono_ms=1, state="COMPLETED_CLEAN")
    one = standing(store, clock)
    assert one is not None
    assert (one.what, one.by) == ("problem case", "2026-12-14")
    settle(store, clock, callback, "投诉已受理，已回复客户")
    assert standing(store, clock) is None


def test_a_complaint_is_settled_by_no_later_callback(
    settings: Settings, store: Store, clock: HandClock, callback: str
) -> None:
    at = {"wall": IN_TIME, "mono_ms": 1}
    store.append(callback, [Draft("called", {"line": "chat"})], **at, generation=1)
    said = [Draft("flagged", {"code": "P01_NOT_POLICYHOLDER"})]
    store.append(callback, said, **at, generation=1, state="IN_PROGRESS")
    store.append(callback, [], **at, generation=1, state="NOT_ME")
    again = Callbacks(settings, store, clock).open(POLICY, "phone")
    assert again != callback
    ended(store, again, "COMPLETED_CLEAN")
    one = standing(store, clock)
    assert one is not None
    assert (one.callback, one.what) == (callback, "problem case")
    settle(store, clock, callback, "已核实，系业务员代接")
    assert standing(store, clock) is None


def test_a_complaint_stays_due_however_many_callbacks_follow(
    store: Store, clock: HandClock, callback: str
) -> None:
    said = [Draft("flagged", {"code": "P01_NOT_POLICYHOLDER"})]
    store.append(callback, said, wall=IN_TIME, mono_ms=1, generation=1)
    for _ in range(60):
        store.create_callback(POLICY, "zh-2026.1", "phone")
    assert callback in [one.callback for one in list_due(store, clock)]


def test_a_damaged_record_hides_no_other(store: Store, clock: HandClock, callback: str) -> None:
    damage(store, callback)
    assert len(list_due(store, clock)) == 10
    one = standing(store, clock)
    assert one is not None
    assert one.what == "its record is damaged"


def test_a_damaged_policy_hides_no_other(store: Store, clock: HandClock, callback: str) -> None:
    ended(store, callback, "NOT_ME")
    with store._database.write() as connection:
        damage = text("UPDATE policies SET facts = :facts WHERE id = 1")
        connection.execute(damage, {"facts": b"another's"})
    found = list_due(store, clock)
    (nameless,) = (one for one in found if not one.policy)
    assert len(found) == 10
    assert nameless.what == "row 1 of the policies is damaged; import its file again"
    assert nameless.by == "2026-12-05"
    settle(store, clock, callback, "已上门")
    assert standing(store, clock) is None


def test_who_only_wished_for_a_human_and_answered_all_is_done(
    store: Store, clock: HandClock, callback: str
) -> None:
    at = {"wall": IN_TIME, "mono_ms": 1}
    store.append(callback, [], **at, generation=1, state="IN_PROGRESS")
    handed = Draft("handed_over", {"reason": "key", "generation": 2})
    store.transfer(callback, 1, "queue", [handed], **at, state="HUMAN")
    store.transfer(callback, 2, "bot", [], **at, state="COMPLETED_CLEAN")
    assert standing(store, clock) is None


def test_what_was_surrendered_is_not_due(store: Store, clock: HandClock) -> None:
    policy = store.policy(POLICY)
    store.save_policies([replace(policy, ended_on=date(2026, 11, 30))])
    assert standing(store, clock) is None


def test_the_command_line_lists_and_settles(
    settings: Settings, store: Store, callback: str
) -> None:
    ended(store, callback, "NOT_ME")
    data = ["--data", str(settings.data)]
    run = CliRunner()
    listed = run.invoke(app, ["due", *data])
    assert callback in listed.output
    assert "somebody else answered" in listed.output
    done = run.invoke(app, ["settle", callback, "--result", "已上门", *data])
    assert done.exit_code == 0, done.output
    assert callback not in run.invoke(app, ["due", "--json", *data]).output
