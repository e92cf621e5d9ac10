"""Which callbacks are still to be made or settled, and by when. Pure.

Every policyholder is to be reached inside the cooling-off period (犹豫期; 人身保险业务基本服务规定
§15), and a problem case (问题件) to be settled within 15 working days (§18). A callback that came
to no end stays due whatever happened to it, until one was completed or a human has `settled` it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from bot.evidence.ledger import Event
from bot.evidence.states import COMPLETED, State
from bot.humans.casefile import SEVERE
from bot.local import local
from bot.policies.policy import Policy
from bot.store import Callback, DamagedPolicy

PROBLEM_DAYS = 15  # working days
NOT_DUE = frozenset({State.COMPLETED_CLEAN, State.CANCELLED})


@dataclass(frozen=True)
class Due:
    """One policy whose callback somebody has to see to."""

    by: str  # the last day, ISO 8601
    overdue: bool
    policy: str  # its number; empty where that cannot be read
    callback: str  # id of the newest; empty where there is none
    what: str  # how things stand
    booked: str  # UTC time of the call that is booked, ISO 8601; empty without

    def __str__(self) -> str:
        mark = "OVERDUE" if self.overdue else "       "
        booked = f"  (call booked: {self.booked})" if self.booked else ""
        return f"{self.by}  {mark}  {self.policy}  {self.callback or '-':<36}  {self.what}{booked}"

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def due(
    policy: Policy,
    newest: Callback | None,
    events: Sequence[Event],
    today: date,
    booked: datetime | None = None,
) -> Due | None:
    """How the policy stands; None where nothing is left to do. `newest`: its newest callback, with
    its `events`; `booked`: when the bot is to call about it; `today`: China's date."""
    if policy.ended_on is not None or (newest and (done(newest, events) or settled(events))):
        return None
    problem = newest is not None and newest.state in COMPLETED
    last = _settle_by(events, newest.updated) if newest and problem else policy.cooling_off_end
    return Due(
        by=last.isoformat(),
        overdue=last < today,
        policy=policy.number,
        callback=newest.id if newest else "",
        what=_standing(newest, events),
        booked=booked.isoformat(timespec="minutes") if booked else "",
    )


def damaged(policy: Policy | DamagedPolicy, today: date) -> Due:
    """A policy of which nobody can tell how it stands; where its own facts are damaged, neither
    whose it is, nor by when it is due: today."""
    if isinstance(policy, DamagedPolicy):
        what = f"row {policy.row} of the policies is damaged; import its file again"
        return Due(today.isoformat(), False, "", "", what, "")
    last = policy.cooling_off_end
    return Due(last.isoformat(), last < today, policy.number, "", "its record is damaged", "")


def left_behind(
    policy: Policy, older: Callback, events: Sequence[Event], today: date
) -> Due | None:
    """What was alleged in a callback that others followed: no answer that was given there settles
    a complaint. None where there was nothing, or a human has settled it."""
    if policy.ended_on is not None or not _alleged(events):
        return None
    last = _settle_by(events, older.updated)
    return Due(last.isoformat(), last < today, policy.number, older.id, "problem case", "")


def done(newest: Callback, events: Sequence[Event]) -> bool:
    """Whether it came to an end that leaves nothing to do. Every answer may be as hoped for, and
    the policyholder have complained, or somebody have answered in their place."""
    return newest.state in NOT_DUE and not (newest.state in COMPLETED and _alleged(events))


def settled(events: Sequence[Event]) -> bool:
    """Whether a human has dealt with what came of the last attempt."""
    last = next((e.kind for e in reversed(events) if e.kind in {"called", "settled"}), "")
    return last == "settled"


def working_day(after: date, days: int) -> date:
    """So many days later, from Monday to Friday; of public holidays and the days worked in their
    place it knows nothing."""
    day = after
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5
    return day


def _alleged(events: Sequence[Event]) -> bool:
    """Whether something severe was said or flagged that no human has settled since."""
    for event in reversed(events):
        if event.kind == "settled":
            return False
        if event.kind == "flagged" or (
            event.kind == "handed_over" and event.body["reason"] in SEVERE
        ):
            return True
    return False


def _settle_by(events: Sequence[Event], otherwise: datetime) -> date:
    closed = next((e.wall for e in reversed(events) if e.kind == "closed"), None)
    when = datetime.fromisoformat(closed) if closed else otherwise
    return working_day(local(when).date(), PROBLEM_DAYS)


def _standing(newest: Callback | None, events: Sequence[Event]) -> str:
    if newest is None:
        return "nobody has called"
    match newest.state:
        case State.CREATED | State.READY | State.WAIT_RECEIPT:
            calls = [e for e in events if e.kind in {"dialled", "dial_ended"}]
            told = calls[-1].body.get("outcome", "outcome unknown") if calls else "not called yet"
            return f"not reached: {told}"
        case State.IN_PROGRESS:
            return "talking now"
        case State.INCOMPLETE:
            return f"broken off: {newest.outcome}"
        case State.NOT_ME:
            return "somebody else answered"
        case State.HUMAN if newest.owner == "queue":
            return "waits for a human"
        case State.HUMAN:
            return f"with {newest.owner.removeprefix('human:')}"
        case State.COMPLETED_PROBLEM | State.COMPLETED_CLEAN:
            return "problem case"
        case state:
            return str(state)
