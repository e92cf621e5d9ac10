"""The list of what is due, and what a human did about it: for the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from bot.conversation.scribe import Clock
from bot.errors import ConfigError, UnderWay
from bot.evidence.ledger import Draft
from bot.evidence.states import State
from bot.humans.due import NOT_DUE, Due, damaged, done, due, left_behind
from bot.local import local
from bot.policies.policy import Policy
from bot.records import who
from bot.records.damage import of_every_policy
from bot.store import Callback, Store

PAGE = 1000
MAX_RESULT = 500  # characters
UNTOUCHED = 1
"""Generation of a callback that nobody but the bot has had: nothing severe was said in it, though
something may have been flagged."""


def list_due(store: Store, clock: Clock) -> list[Due]:
    """The most urgent first. Blocking: reads every policy, and the record of each that is open."""
    today = local(clock.now()).date()
    booked = {booking.callback: booking.at for booking in store.bookings(limit=PAGE, by="bot")}
    found = of_every_policy(
        store,
        lambda policy: _of(store, policy, today, booked),
        lambda policy: [damaged(policy, today)],
    )
    return sorted(found, key=lambda one: (one.by, one.policy))


def _of(store: Store, policy: Policy, today: date, booked: Mapping[str, datetime]) -> Iterator[Due]:
    """What is due of one policy."""
    rows = store.callbacks(policy=policy.number, limit=PAGE)
    newest = next(iter(rows), None)
    for older in rows[1:]:
        if _perhaps_severe(store, older) and (
            left := left_behind(policy, older, store.events(older.id), today)
        ):
            yield left
    if newest and newest.state in NOT_DUE and not _perhaps_severe(store, newest):
        return
    events = store.events(newest.id) if newest else []
    at = booked.get(newest.id) if newest else None
    if one := due(policy, newest, events, today, at):
        yield one


def _perhaps_severe(store: Store, row: Callback) -> bool:
    """Whether its events have to be read to tell."""
    return row.generation > UNTOUCHED or store.flagged(row.id)


def settle(store: Store, clock: Clock, callback: str, result: str) -> None:
    """A human has dealt with a callback that did not end as hoped for; what came of it goes on
    record. Raises ConfigError without a result, and where there is nothing to settle yet."""
    result = result.strip()
    if not 1 <= len(result) <= MAX_RESULT:
        raise ConfigError(f"say what came of it, in 1 to {MAX_RESULT} characters")
    row = store.callback(callback)
    if row.state is State.IN_PROGRESS:
        raise UnderWay
    if row.state is State.HUMAN:
        raise ConfigError("a human has this conversation; it is ended at the console first")
    if done(row, store.events(callback)):
        raise ConfigError(f"this callback is {row.state}; there is nothing to settle")
    store.append(
        callback,
        [Draft("settled", {"by": who.user(), "result": result})],
        wall=clock.now(),
        mono_ms=clock.mono_ms(),
        generation=None,
    )
