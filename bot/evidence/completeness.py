"""What a record must hold to be whole. Pure.

Integrity (the chain) tells that nothing inside was changed; it cannot tell that nothing is missing
at the end. A closed attempt ends in `closed`, and one by phone in `audio` as well; the number and
hash of the head, kept apart from the events, show a tail that was cut off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.evidence.ledger import GENESIS, Event
from bot.evidence.states import COMPLETED, State
from bot.evidence.summary import Attempt, attempts

ENDED = COMPLETED | {State.NOT_ME, State.INCOMPLETE}
"""States of a callback in which its last attempt must have been closed."""


def missing(
    events: Sequence[Event], *, state: str | None = None, head: tuple[int, str] | None = None
) -> list[str]:
    """What is missing, in words; empty when the record is whole.

    `state` is the callback's as the store has it; None takes the record for ended. `head` is the
    number and hash of the last event as kept apart from the events."""
    return list(_missing(events, state, head))


def _missing(
    events: Sequence[Event], state: str | None, head: tuple[int, str] | None
) -> Iterator[str]:
    last = (events[-1].seq, events[-1].hash) if events else (-1, GENESIS)
    if head is not None and head != last:
        yield f"the last event should be {head[0]}, here it is {last[0]}"
    if not events:
        if state is None:
            yield "there is no event"
        return
    if events[0].kind != "created":
        yield "the record does not begin with its creation"
    calls = attempts(events)
    for attempt in calls[:-1]:
        yield from _recording(attempt)
    if state is None or state in ENDED:
        yield from _ending(calls, events, state)
    yield from _references(events)


def _recording(attempt: Attempt) -> Iterator[str]:
    if attempt.spoken and attempt.audio is None:
        yield f"the call of event {attempt.called.seq} has no recording"


def _ending(calls: Sequence[Attempt], events: Sequence[Event], state: str | None) -> Iterator[str]:
    if not calls:
        yield "nobody was called"
        return
    yield from _recording(calls[-1])
    closed = calls[-1].last("closed")
    if closed is None:
        yield f"the call of event {calls[-1].called.seq} was not closed"
        return
    stated = closed.body["state"]
    if state is not None and stated != state:
        yield f"the record closes as {stated}, the store says {state}"
    if stated in COMPLETED:
        answers = {e.body["item"]: e.body for e in events if e.kind == "answered"}
        problems = sum(not body["as_expected"] for body in answers.values())
        counts = {"answered": len(answers), "total": len(answers), "problems": problems}
        for name, count in counts.items():
            if closed.body.get(name, count) != count:
                yield f"closed with {name} {closed.body[name]}, the answers here make {count}"


def _references(events: Sequence[Event]) -> Iterator[str]:
    """An answer names the question and the utterance it rests on."""
    for event in events:
        if event.kind != "answered":
            continue
        asked, heard = event.body.get("asked_seq"), event.body.get("heard_seq")
        questions = (
            e for e in events if e.kind == "asked" and e.body["clause"] == event.body["item"]
        )
        if asked is not None and asked not in {e.seq for e in questions if e.seq < event.seq}:
            yield f"event {event.seq} answers a question that is not there (event {asked})"
        if heard is not None and heard not in {
            e.seq for e in events if e.kind in ("heard", "silence") and e.seq < event.seq
        }:
            yield f"event {event.seq} rests on words that are not there (event {heard})"
