"""What the application and the dialogue worker say to each other.

One JSON object a line over a Unix socket. Standard library only: both Python versions import it.
The worker keeps nothing between turns: the application sends the whole dialogue `state` and gets
the next one back, so that a worker that dies can be replaced in the middle of a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal

from voice.clues import Clues

MAX_TEXT = 500  # characters of one utterance that are looked at
MAX_LINE = 256 * 1024  # bytes of one protocol line

Answer = Literal["yes", "no", "unclear"]
Form = Literal["full", "plain", "keys"]
Asks = Literal[
    "person", "convenient", "bought", "signed", "copied", "received", "read", "know", "agree",
    "told", "recorded", "fact", "contact", "paid", "meant",
]  # fmt: skip
"""What a question can ask for; rules.yml says which words of yes answer it (answers_to)."""
State = dict[str, Any]


@dataclass(frozen=True)
class Act:
    """One thing the dialogue wants done. Carried as a Rasa custom message: {"act": kind, …}."""

    kind: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        return {"act": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Say(Act):
    """Speak a clause that is not a question."""

    kind: ClassVar[str] = "say"
    clause: str


@dataclass(frozen=True)
class Ask(Act):
    """Speak a question and wait for its answer. `form`: full, plainer, or with the keys named."""

    kind: ClassVar[str] = "ask"
    clause: str
    form: Form = "full"


@dataclass(frozen=True)
class Record(Act):
    """The answer to an item is final: write it down. `reason` is the guard's, for the record."""

    kind: ClassVar[str] = "record"
    item: str
    answer: Answer
    reason: str = ""


@dataclass(frozen=True)
class Verify(Act):
    """Compare what the caller just said with the policy; the result comes back as an event turn
    (`identity_ok`, `identity_wrong`, `identity_unheard`)."""

    kind: ClassVar[str] = "verify"


@dataclass(frozen=True)
class Hold(Act):
    """The spoken yes to an item, not yet final: it counts only together with the right answer to
    the item's comprehension question, which is asked next. `reason` is the guard's."""

    kind: ClassVar[str] = "hold"
    item: str
    reason: str = ""


@dataclass(frozen=True)
class Check(Act):
    """Compare what the caller just said to a comprehension question with the contract; the result
    comes back as an event turn (`check_right`, `check_wrong`, `check_unclear`, `check_keyed`)."""

    kind: ClassVar[str] = "check"


@dataclass(frozen=True)
class Pace(Act):
    """Change how we speak from now on."""

    kind: ClassVar[str] = "pace"
    change: Literal["slower", "louder"]


@dataclass(frozen=True)
class Explain(Act):
    """Speak the reviewed explanation of a clause; without one the result is the event
    turn `no_explanation`."""

    kind: ClassVar[str] = "explain"
    clause: str


@dataclass(frozen=True)
class Wait(Act):
    """Be patient for this long before the next prompt."""

    kind: ClassVar[str] = "wait"
    seconds: float


@dataclass(frozen=True)
class Flag(Act):
    """Note something for quality control, e.g. P18_INTERFERENCE."""

    kind: ClassVar[str] = "flag"
    code: str


@dataclass(frozen=True)
class Handoff(Act):
    """Give the conversation to a human. `reason`: request, key, severe, complaint, surrender,
    coached, identity, language, silence, unclear, question, failure; booked,
    nobody_free: a human calls later."""

    kind: ClassVar[str] = "handoff"
    reason: str


@dataclass(frozen=True)
class Reschedule(Act):
    """Book a call for the time the caller just named; the result comes back as an event turn
    (`time_booked`, `time_unheard`)."""

    kind: ClassVar[str] = "reschedule"


@dataclass(frozen=True)
class Close(Act):
    """End the conversation once everything was said. `outcome`: done, not_me, busy, goodbye."""

    kind: ClassVar[str] = "close"
    outcome: str


ACTS: dict[str, type[Act]] = {
    cls.kind: cls
    for cls in (
        Say, Ask, Record, Hold, Check, Verify, Pace, Explain, Wait, Flag, Handoff, Reschedule,
        Close,
    )
}  # fmt: skip


def act_from_json(data: Mapping[str, Any]) -> Act:
    """Raises ValueError for an unknown act or field: unknown types fail closed."""
    cls = ACTS.get(str(data.get("act")))
    if cls is None:
        raise ValueError(f"unknown act {data.get('act')!r}")
    known = {f.name for f in fields(cls)}
    given = {k: v for k, v in data.items() if k != "act"}
    if not given.keys() <= known:
        raise ValueError(f"act {cls.kind} has no field {sorted(given.keys() - known)}")
    return cls(**given)


@dataclass(frozen=True)
class Meaning:
    """What the guard made of one utterance (the labels of `huifang understand`)."""

    intent: str
    confidence: float
    answer: Answer = "unclear"
    request: str | None = None
    reason: str = ""  # the guard rule that decided, in words


@dataclass(frozen=True)
class Item:
    """What the dialogue must know of one questionnaire item; no wording, nothing personal."""

    id: str
    expect: Answer = "yes"
    severe: bool = False  # a wrong answer goes to a human at once
    code: str = ""  # problem code raised by an answer other than the expected one
    check: str = ""  # clause id of its comprehension question; "" where it has none
    must_check: bool = False  # asked after every yes, not only after a hesitant one
    asks: tuple[Asks, ...] = ()  # what it asks for; empty: not known, any word of yes counts

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Item:
        """Raises TypeError where the data is no item."""
        return cls(**{**data, "asks": tuple(data.get("asks", ()))})


@dataclass(frozen=True)
class Start:
    """Begin or resume a conversation."""

    items: tuple[Item, ...]
    elder: bool = False  # age ≥ 60: human-first offer, slower, plainer
    done: tuple[str, ...] = ()  # items answered in an earlier, broken-off call
    problems: int = 0  # how many of `done` were not answered as expected


@dataclass(frozen=True)
class Turn(Clues):
    """One turn. Either `text` (with how surely it was heard, and how it sounded) or an `event` of
    the application: silence, identity_ok, identity_wrong, identity_unheard, time_booked,
    time_unheard, check_right, check_wrong, check_unclear, check_keyed (a key that means nothing
    here), no_explanation, cut_off (answered before the question was out), resume (back from a
    human), nobody_free (no human took the call)."""

    state: State
    text: str = ""
    via: str = "voice"
    confidence: float = 1.0
    event: str | None = None


@dataclass(frozen=True)
class Moved:
    """The outcome of a start or a turn."""

    acts: tuple[Act, ...]
    state: State
    meaning: Meaning | None = None
    ms: float = 0.0  # time spent in the worker
    model: str = ""  # id of the trained model that moved; empty: no model was asked
