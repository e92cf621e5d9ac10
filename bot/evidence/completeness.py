"""What a record must hold to be whole. Pure.

Integrity (the chain) tells that nothing inside was changed; it cannot tell that nothing is missing
at the end. A closed attempt ends in `closed`, and one by phone in `audio` as well; the number and
hash of the head, kept apart from the events, show a tail that was cut off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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


def head_missing(events: Sequence[Event], head: tuple[int, str]) -> Iterator[str]:
    """Whether the last event is the one that was noted apart from the events."""
    last = (events[-1].seq, events[-1].hash) if events else (-1, GENESIS)
    if head != last:
        yield f"the last event should be {head[0]}, here it is {last[0]}"


def _missing(
    events: Sequence[Event], state: str | None, head: tuple[int, str] | None
) -> Iterator[str]:
    if head is not None:
        yield from head_missing(events, head)
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
    """An answer names the question and the utterance it rests on, a yes to an item that is checked
    the right answer to its comprehension question as well."""
    by_seq: dict[Any, Event] = {event.seq: event for event in events}
    for event in events:
        if event.kind == "checked":
            yield from _check(event, by_seq)
        if event.kind != "answered":
            continue
        if event.body["as_expected"] and not _understood(event, events):
            yield f"event {event.seq} is a yes without the right answer to its question"
        asked, heard = event.body.get("asked_seq"), event.body.get("heard_seq")
        question, words = by_seq.get(asked), by_seq.get(heard)
        if asked is not None and not (
            question
            and question.kind == "asked"
            and question.body["clause"] == event.body["item"]
            and question.seq < event.seq
        ):
            yield f"event {event.seq} answers a question that is not there (event {asked})"
        if heard is not None and not (
            words and words.kind in ("heard", "silence") and words.seq < event.seq
        ):
            yield f"event {event.seq} rests on words that are not there (event {heard})"


def _check(event: Event, by_seq: Mapping[int, Event]) -> Iterator[str]:
    asked, heard = by_seq.get(event.body["asked_seq"]), by_seq.get(event.body["heard_seq"])
    asks = asked is not None and asked.kind == "asked" and asked.seq < event.seq
    if not asks or asked is None or asked.body.get("checks") != event.body["item"]:
        yield f"event {event.seq} checks a question that is not there"
    if heard is None or heard.kind != "heard" or heard.seq > event.seq:
        yield f"event {event.seq} checks words that are not there"


def _understood(answer: Event, events: Sequence[Event]) -> bool:
    """Whether an expected answer may stand: it was not to be checked, or its check was right."""
    item, asked_seq = answer.body["item"], answer.body.get("asked_seq") or 0
    since = [e for e in events if asked_seq <= e.seq < answer.seq]
    due = any(
        e.kind == "asked"
        and (
            e.body.get("checks") == item or (e.body["clause"] == item and e.body.get("must_check"))
        )
        for e in since
    )
    checks = [e for e in since if e.kind == "checked" and e.body["item"] == item]
    if not due and answer.body.get("checked_seq") is None:
        return True
    last = checks[-1] if checks else None
    return bool(
        last and last.seq == answer.body.get("checked_seq") and last.body["result"] == "right"
    )
