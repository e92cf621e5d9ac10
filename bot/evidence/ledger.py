"""The ledger of one callback: an append-only chain of events. Pure: time and salt are parameters.

Two hashes make an event. `digest` commits to the body alone, under a random salt; `hash` commits
to everything else: the digest, the sequence number, both times and the previous event's hash.
The chain can therefore be walked without the bodies: when a body has to be erased (its retention
is over), the digest stays, cannot be guessed back to a 是 or 否 without its salt, and every later
event still verifies.

Both are SHA-256 over canonical JSON (RFC 8785) behind a prefix that names the format.
What a chain cannot show by itself: a tail that was cut off (a record must end in `closed` and
`audio`, see `completeness`), and a chain rewritten from its beginning (only a signed head kept
elsewhere shows that).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

import rfc8785

from bot.evidence.kinds import OUTLIVING, check

GENESIS = "0" * 64
"""`prev` of the first event of every callback; its `seq` is 0."""

MAX_BODY = 64 * 1024
"""Bytes of one canonical body."""

_BODY_FORMAT = b"huifang.body.1\n"
_EVENT_FORMAT = b"huifang.event.1\n"
# Of strings and whole numbers only: the standard encoder writes them as RFC 8785 does (tested).
_write = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it has a place in the chain."""

    kind: str
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Event:
    """One link of a chain."""

    callback: str
    seq: int  # 0, 1, 2, … without gaps
    kind: str
    text: str = field(repr=False)  # the body as canonical JSON, exactly as hashed; "": unreadable
    wall: str  # UTC, ISO 8601 with microseconds and Z
    mono_ms: int  # monotonic clock of the writing process; only differences mean anything
    prev: str  # hash of the event before
    salt: str  # hex, random
    digest: str  # hex, of salt and text
    hash: str  # hex, of all the above but text and salt

    @cached_property
    def body(self) -> dict[str, Any]:
        """The body, parsed. Do not change it."""
        body: dict[str, Any] = json.loads(self.text)
        return body


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where a chain is not what was written."""

    index: int  # position in the sequence given, from 0
    seq: int  # what the event there claims to be
    problem: str  # foreign, head_cut, gap, repeated, reordered, relinked, body_edited, edited
    detail: str


def canonical(value: Any) -> str:
    """RFC 8785 JSON. Raises ValueError for what JSON cannot hold exactly (NaN, 2**53, surrogates,
    bytes)."""
    return rfc8785.dumps(value).decode()


def wall_text(moment: datetime) -> str:
    """The one spelling of wall time. Raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError("wall time must carry its zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def digest_of(salt: str, text: str) -> str:
    """The commitment to a body."""
    return sha256(_BODY_FORMAT + f"{salt}\n{text}".encode()).hexdigest()


def hash_of(
    callback: str, seq: int, kind: str, wall: str, mono_ms: int, prev: str, digest: str
) -> str:
    """The hash that the next event refers to."""
    header = {
        "callback": callback,
        "digest": digest,
        "kind": kind,
        "mono_ms": mono_ms,
        "prev": prev,
        "seq": seq,
        "wall": wall,
    }
    return sha256(_EVENT_FORMAT + _write(header).encode()).hexdigest()


def chain(
    previous: Event | None,
    callback: str,
    draft: Draft,
    wall: datetime,
    mono_ms: int,
    *,
    salt: str = "",
) -> Event:
    """The event that follows `previous` (None: the first of its callback).

    `salt` is random hex from the writer. Raises ValueError for a body outside the table of kinds,
    one that is too large or not JSON, or a previous event of another callback.
    """
    if previous is not None and previous.callback != callback:
        raise ValueError("the previous event belongs to another callback")
    seq, prev = (previous.seq + 1, previous.hash) if previous else (0, GENESIS)
    return chain_after(seq, prev, callback, draft, wall, mono_ms, salt=salt)


def chain_after(
    seq: int,
    prev: str,
    callback: str,
    draft: Draft,
    wall: datetime,
    mono_ms: int,
    *,
    salt: str,
) -> Event:
    """As `chain`, for a writer who knows only number and hash of the head."""
    check(draft.kind, draft.body)
    text = canonical(dict(draft.body))
    if len(text.encode()) > MAX_BODY:
        raise ValueError(f"event {draft.kind} is larger than {MAX_BODY} bytes")
    when, digest = wall_text(wall), digest_of(salt, text)
    hashed = hash_of(callback, seq, draft.kind, when, mono_ms, prev, digest)
    return Event(callback, seq, draft.kind, text, when, mono_ms, prev, salt, digest, hashed)


def verify_chain(
    events: Iterable[Event], callback: str | None = None, *, erased: bool = False
) -> list[Fault]:
    """Every place where the events are not one unbroken chain from its first event on.

    `erased`: the record's key was destroyed, so that bodies may be unreadable. What is left of such
    an event is checked as ever.

    At most one fault an event, the most telling one; after it the walk goes on from that event, so
    that later faults are found as well. Empty means intact, not complete.
    """
    faults: list[Fault] = []
    expected, link = 0, GENESIS
    seen: set[int] = set()
    for index, event in enumerate(events):
        callback = callback or event.callback
        problem = _problem(event, callback, expected, link, seen, erased)
        if problem:
            faults.append(Fault(index, event.seq, *problem))
        seen.add(event.seq)
        expected, link = event.seq + 1, event.hash
    return faults


def _problem(
    event: Event, callback: str, expected: int, link: str, seen: set[int], erased: bool
) -> tuple[str, str] | None:
    if event.callback != callback:
        return "foreign", "belongs to another callback"
    if event.seq != expected:
        if not seen:
            return "head_cut", f"the record begins with event {event.seq}"
        if event.seq in seen:
            return "repeated", f"event {event.seq} occurs again"
        if event.seq > expected:
            return "gap", f"event {expected} is missing"
        return "reordered", f"event {event.seq} comes after a later one"
    gone = erased and not event.text and event.kind not in OUTLIVING
    if not gone and digest_of(event.salt, event.text) != event.digest:
        return "body_edited", "the body is not what was written"
    hashed = hash_of(
        event.callback, event.seq, event.kind, event.wall, event.mono_ms, event.prev, event.digest
    )
    if hashed != event.hash:
        return "edited", "the event is not what was written"
    if event.prev != link:
        return "relinked", "does not follow the event before it"
    return None
