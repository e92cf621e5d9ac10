"""What a record says, item by item: built from the events alone, so that it can be built again.

Pure. The export writes it, the verifier rebuilds it and compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bot.evidence.ledger import Event


@dataclass(frozen=True, slots=True)
class Attempt:
    """One line to the policyholder: from `called` up to the next."""

    called: Event
    events: tuple[Event, ...]  # all that followed, `called` included

    @property
    def spoken(self) -> bool:
        return bool(self.called.body["line"] == "phone")

    @property
    def audio(self) -> Event | None:
        return self.last("audio")

    def last(self, kind: str) -> Event | None:
        return next((e for e in reversed(self.events) if e.kind == kind), None)


def attempts(events: Sequence[Event]) -> list[Attempt]:
    """In order; events before the first call (`created`) belong to none."""
    starts = [n for n, event in enumerate(events) if event.kind == "called"]
    return [
        Attempt(events[start], tuple(events[start:end]))
        for start, end in pairwise([*starts, len(events)])
    ]


def summary(events: Sequence[Event]) -> dict[str, Any]:
    """Attempts with their recordings; items with every asking, what was heard, the answer, and
    where comprehension was checked how that went.

    Items stand in the order they were first asked. One that was answered more than once shows its
    last answer; the events keep all."""
    return {
        "attempts": [_attempt(attempt) for attempt in attempts(events)],
        "items": [_item(item, events) for item in _items(events)],
    }


def sounds(events: Sequence[Event]) -> Iterator[tuple[Event, Event]]:
    """Pairs of an event with offsets (`played` or `heard`) and the `audio` it points into."""
    for attempt in attempts(events):
        audio = attempt.audio
        if audio is None:
            continue
        for event in attempt.events:
            by_voice = event.kind == "heard" and event.body["via"] == "voice"
            if event.kind == "played" or by_voice:
                yield event, audio


def span_ms(event: Event) -> tuple[int, int]:
    """Where the sound of a `played` or `heard` event lies in its recording: of an utterance the
    very samples that were hashed, as far as the line told."""
    start, end = event.body.get("audio_start_ms"), event.body.get("audio_end_ms")
    if start is None or end is None:
        start, end = event.body["start_ms"], event.body["end_ms"]
    return int(start), int(end)


def _attempt(attempt: Attempt) -> dict[str, Any]:
    closed, audio = attempt.last("closed"), attempt.audio
    return {
        "seq": attempt.called.seq,
        "line": attempt.called.body["line"],
        "started": attempt.called.wall,
        "closed": closed and {"seq": closed.seq, "at": closed.wall, **closed.body},
        "audio": audio and {"seq": audio.seq, **audio.body},
    }


def _items(events: Sequence[Event]) -> list[str]:
    asked = (e.body["clause"] for e in events if e.kind == "asked" and e.body["item"])
    answered = (e.body["item"] for e in events if e.kind == "answered")
    return list(dict.fromkeys([*asked, *answered]))


def _item(item: str, events: Sequence[Event]) -> dict[str, Any]:
    askings = [_asking(n, events) for n, e in enumerate(events) if _asks(e, item)]
    answers = [e for e in events if e.kind == "answered" and e.body["item"] == item]
    answer = answers[-1] if answers else None
    heard = _referred(answer, "heard_seq", "heard", events)
    found = {
        "item": item,
        "asked": askings,
        "heard": heard and {"seq": heard.seq, "at": heard.wall, **heard.body},
        "answer": answer and {"seq": answer.seq, "at": answer.wall, **answer.body},
    }
    checks = [_check(n, events) for n, e in enumerate(events) if _checks(e, item)]
    return found | ({"checks": checks} if checks else {})


def _asks(event: Event, item: str) -> bool:
    return event.kind == "asked" and event.body["clause"] == item


def _checks(event: Event, item: str) -> bool:
    return event.kind == "asked" and event.body.get("checks") == item


def _check(index: int, events: Sequence[Event]) -> dict[str, Any]:
    """One asking of the item's comprehension question, what was said to it, what that came to."""
    asking = _asking(index, events)
    result = next(
        (e for e in events if e.kind == "checked" and e.body["asked_seq"] == asking["seq"]), None
    )
    heard = _referred(result, "heard_seq", "heard", events)
    return {
        "asked": asking,
        "heard": heard and {"seq": heard.seq, "at": heard.wall, **heard.body},
        "result": result and {"seq": result.seq, "at": result.wall, **result.body},
    }


def _asking(index: int, events: Sequence[Event]) -> dict[str, Any]:
    asked = events[index]
    played = None
    for event in events[index + 1 :]:
        if event.kind in ("asked", "called"):
            break
        if event.kind == "played" and event.body["clause"] == asked.body["clause"]:
            played = event
            break
    return {
        "seq": asked.seq,
        "at": asked.wall,
        **asked.body,
        "played": played and {"seq": played.seq, **played.body},
    }


def _referred(event: Event | None, field: str, kind: str, events: Sequence[Event]) -> Event | None:
    """The event of `kind` that `event` names by number, as far as there is one."""
    seq = event.body.get(field) if event else None
    return next((e for e in events if e.seq == seq and e.kind == kind), None)
