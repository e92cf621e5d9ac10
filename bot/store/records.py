"""What the store gives back: rows as small frozen objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from bot.errors import HuifangError
from bot.evidence.ledger import Event
from bot.evidence.states import State
from bot.policies.policy import Policy
from bot.vault.datakey import DataKey


class NotFound(HuifangError):
    """The store has no such policy or callback."""


class Erased(HuifangError):
    """The record was erased; nothing of it can be read."""

    def __init__(self, when: str) -> None:
        super().__init__(f"this record was erased on {when[:10]}; nothing of it can be read")


@dataclass(frozen=True, slots=True)
class DamagedPolicy:
    """A policy whose facts cannot be read. The same facts, imported again, take their place."""

    row: int  # where they stand


@dataclass(frozen=True, slots=True)
class Callback:
    """One callback (回访) of one policy."""

    id: str  # UUID 4
    policy_number: str = field(repr=False)
    state: State
    owner: str  # "bot", "queue" or "human:NAME"
    generation: int  # must be named when writing; moves with every change of owner
    questionnaire: str  # version
    channel: str  # phone or chat
    outcome: str | None  # of the last attempt
    created: datetime  # UTC
    updated: datetime  # UTC
    snapshot: Mapping[str, Any] | None = field(repr=False)  # the dialogue's state, to resume from
    policy_sha256: str  # of the policy facts at creation
    head_seq: int  # number of the last event, -1 when there is none
    head_hash: str
    bot: str | None  # which of several bots served it last
    held: bool  # kept beyond its time, for a dispute


@dataclass(frozen=True, slots=True)
class Listed:
    """What can be told of a callback without opening its record, which may be damaged."""

    id: str
    state: State
    outcome: str | None
    created: datetime  # UTC


class Held(NamedTuple):
    """A callback's row that nobody else writes meanwhile, and its key."""

    row: Callback
    key: DataKey
    key_row: int  # where that key stands


@dataclass(frozen=True, slots=True)
class Chain:
    """One callback's evidence, and its head as kept apart from it."""

    callback: str
    state: str
    head: tuple[int, str]  # number and hash of the last event
    events: tuple[Event, ...]  # texts are empty where they cannot be read
    key: DataKey | None  # None: the record was erased


@dataclass(frozen=True, slots=True)
class Record:
    """All there is of one callback, read at one moment."""

    callback: Callback
    policy: Policy  # the version it was created from
    events: tuple[Event, ...]
    key: DataKey


@dataclass(frozen=True, slots=True)
class Booking:
    """Another call at a time the policyholder named."""

    id: int
    callback: str
    at: datetime  # UTC
    by: str  # who calls: "bot" or "human"
    created: datetime  # UTC


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf of the tree: a record, sealed up to an event."""

    index: int
    callback: str
    seq: int
    head: str  # hash of that event


@dataclass(frozen=True, slots=True)
class SealedLeaf:
    """A leaf, and the hash that the store has at its place now; None: no such event."""

    leaf: Leaf
    found: str | None


@dataclass(frozen=True, slots=True)
class Seal:
    """That a record stands in the tree of a signed checkpoint."""

    leaf: Leaf
    path: tuple[bytes, ...]  # from the leaf to the checkpoint's root
    checkpoint: Mapping[str, Any]  # the signed statement
