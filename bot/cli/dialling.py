"""Orders to call a policyholder, and what came of the calls: for the command line.

An order is a booking that is due: the running bot finds it in the store. So it survives a restart,
and needs no way into the process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from bot.callbacks import Callbacks
from bot.cli.opened import opened
from bot.errors import ConfigError, UnderWay
from bot.evidence.ledger import Draft, Event
from bot.evidence.states import State
from bot.local import local
from bot.phone.dialer import undecided
from bot.records.damage import passed_over
from bot.settings import Settings
from bot.store import Callback


@dataclass(frozen=True)
class Placed:
    """One call the bot placed."""

    at: str  # UTC, ISO 8601
    policy: str  # tail of its number
    callback: str
    outcome: str  # as in the event `dial_ended`; unknown when there is none
    look: bool = False  # nobody knows what became of it, and nobody has dialled since

    def __str__(self) -> str:
        mark = "  ← find out, then: huifang dial" if self.look else ""
        return f"{self.at}  …{self.policy}  {self.outcome:<14} {self.callback}{mark}"

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def order(settings: Settings, policy: str, at: datetime | None) -> str:
    """Book a call of the bot. Returns the callback's id. Raises ConfigError when a human has the
    conversation, or all was answered as hoped for; NotFound. After a problem case or a wrong person
    it is a new callback."""
    with opened(settings) as store:
        callbacks = Callbacks(settings, store)
        done = callbacks.done(policy)
        clean = done if done and done.state is State.COMPLETED_CLEAN else None
        if row := callbacks.with_humans(policy) or clean:
            raise ConfigError(f"callback {row.id} is {row.state}; the bot does not call")
        callback = callbacks.open(policy, "phone")
        lost = undecided(store.events(callback))
        if lost and store.callback(callback).state is State.IN_PROGRESS:
            raise UnderWay  # it counts its own events, and none may come in between
        for call in lost:  # whoever orders it anew knows what became of the last one
            _resolve(callbacks, callback, call)
        store.book(callback, local(at) if at else callbacks.clock.now())
        return callback


def _resolve(callbacks: Callbacks, callback: str, call: str) -> None:
    callbacks.store.append(
        callback,
        [Draft("dial_ended", {"call": call, "outcome": "unknown", "cause": 0})],
        wall=callbacks.clock.now(),
        mono_ms=callbacks.clock.mono_ms(),
        generation=None,
    )


def placed(settings: Settings, limit: int) -> list[Placed]:
    """The calls of the newest callbacks, the newest first."""
    found: list[Placed] = []
    with opened(settings) as store:
        for id in store.newest(limit):
            with passed_over("dials.unreadable", callback=id):
                found += _calls(store.callback(id), store.events(id))
    return sorted(found, key=lambda call: call.at)[::-1]


def _calls(row: Callback, events: Sequence[Event]) -> Iterator[Placed]:
    """The calls of one callback. Pure."""
    ended = {e.body["call"]: e.body["outcome"] for e in events if e.kind == "dial_ended"}
    dials = [e for e in events if e.kind == "dialled"]
    for event in dials:
        outcome = ended.get(event.body["call"], "unknown")
        look = outcome == "unknown" and event is dials[-1]
        yield Placed(event.wall, row.policy_number[-4:], row.id, outcome, look)
