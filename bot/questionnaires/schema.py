"""The shape of a questionnaire file, checked strictly."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from bot.dialogue.protocol import Asks
from bot.questionnaires import conditions, wording

DYNAMIC: Mapping[str, type] = {"slot": str, "total": int, "problems": int}
"""Fields known only when the clause is spoken; see `Script.fill`."""

OPTIONS: Mapping[str, type] = {"first": str, "second": str}
"""What the keys 1 and 2 stand for, in the `keys` of a comprehension question and nowhere else."""

REQUIRED = frozenset({
    "O1", "O2", "O3", "O3_elder", "O4", "O_resume", "I1", "I2", "I2_retry", "I_ok", "I_fail",
    "T_items", "A_ok", "A_noted", "R_unclear", "R_keys", "R_full", "R_unclear_done", "Q_again",
    "S_1", "S_2", "H_offer", "H_now", "H_severe", "H_complaint", "H_coached", "H_identity",
    "H_language", "H_later", "K_when", "K_retry", "K_booked", "N_bye", "P_slower", "P_louder",
    "W_ok", "E_none", "G_bye", "Z1", "Z_clean", "Z_problem", "Z2",
})  # fmt: skip
"""What the dialogue speaks of besides items; a questionnaire without one of them is refused."""

_KNOWN = {**wording.FIELDS, **wording.CONTEXT, **DYNAMIC, **OPTIONS}


def _template(value: object) -> wording.Template:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("words expected")
    return wording.parse(value.strip(), _KNOWN)


def _condition(value: dict[str, Any]) -> dict[str, Any]:
    conditions.check(value)
    return value


Words = Annotated[wording.Template, BeforeValidator(_template)]
When = Annotated[dict[str, Any], AfterValidator(_condition)]
Seconds = Annotated[float, Field(gt=0, le=30)]


class Strict(BaseModel):
    """A part of a file in which nothing unknown may stand."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class ClauseSpec(Strict):
    """One clause: its wordings, where it comes from, how it is asked."""

    text: Words
    plain: Words | None = None  # shorter words, for elders and for asking again
    keys: Words | None = None  # with the keys named, for those who are hard to hear
    chat: Words | None = None  # instead of `text` where nothing is spoken and nobody has keys
    explain: Words | None = None
    terms: tuple[str, ...] = ()  # glossary entries that go before `explain`
    source: str = Field(min_length=1)
    when: When = Field(default_factory=dict)
    expect: Literal["yes", "no"] | None = None
    code: str = ""
    patience_s: Seconds | None = None
    interruptible: bool = True
    phrases: str | None = None  # name of a phrase list

    def wordings(self) -> Iterator[wording.Template]:
        return (t for t in (self.text, self.plain, self.keys, self.chat, self.explain) if t)

    @property
    def dynamic(self) -> bool:
        return any(name in DYNAMIC for t in self.wordings() for name in t.fields())


class Option(Strict):
    """One answer of a comprehension question that gives two to choose from."""

    label: str = Field(min_length=1, max_length=20)
    say: tuple[Annotated[str, Field(min_length=1, max_length=20)], ...] = Field(min_length=1)
    right: bool = False


class CheckSpec(ClauseSpec):
    """The comprehension question of an item: its wordings, and where the right answer is found.

    `explain` is what a wrong answer is met with. Exactly one of number, amount, date (names of
    policy fields) and choice says what is right; the first option of a choice is key 1."""

    ask: Literal["always", "doubt"]
    """always: after every yes. doubt: after a hesitant one, or where special care is due."""
    number: str | None = None
    units: tuple[str, ...] = ()  # after a number, the usual one first
    amount: str | None = None
    date: str | None = None
    choice: tuple[Option, Option] | None = None

    @property
    def field(self) -> str | None:
        """The policy field that holds the right answer."""
        return self.number or self.amount or self.date

    @model_validator(mode="after")
    def _one_answer(self) -> CheckSpec:
        kinds = {"number": int, "amount": Decimal, "date": datetime.date, "choice": None}
        given = [name for name in kinds if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"needs one of {', '.join(kinds)}")
        kind = given[0]
        if self.field and wording.FIELDS.get(self.field) is not kinds[kind]:
            fitting = sorted(n for n, type in wording.FIELDS.items() if type is kinds[kind])
            raise ValueError(f"{kind}: one of {', '.join(fitting)}")
        if bool(self.units) != (kind == "number"):
            raise ValueError("units belong to a number, and a number needs them")
        if self.choice and [o.right for o in self.choice].count(True) != 1:
            raise ValueError("one of the two options is right")
        if self.choice and set(self.choice[0].say) & set(self.choice[1].say):
            raise ValueError("something is said for both options")
        if not (self.plain and self.keys and self.explain):
            raise ValueError("needs plain, keys and explain")
        if self.expect or self.code or self.phrases or self.when:
            raise ValueError("expect, code, phrases and when are those of the item")
        return self


class ItemSpec(ClauseSpec):
    """One item: a clause whose answer is kept, and perhaps a question that checks it."""

    check: CheckSpec | None = None
    asks: tuple[Asks, ...] = ()
    """What it asks for: 收到了 is no yes to a question that asks whether somebody knows."""


class Care(Strict):
    """Whom special care is due to: every item that has a comprehension question is checked."""

    age: int = Field(ge=0, le=150)  # full years, from which on
    when: When = Field(default_factory=dict)  # and which policies
    source: str = Field(min_length=1)


class Term(Strict):
    """A glossary entry: one expression of the trade in everyday words."""

    text: str = Field(min_length=1)
    basis: str = Field(min_length=1)


class Document(Strict):
    """A whole questionnaire file."""

    version: str
    language: str
    of: str = ""  # version of the questionnaire that this one, for chats, is a translation of
    patience_s: Seconds  # where a clause has none of its own
    elder_patience: float = Field(ge=1, le=3)  # factor
    seconds_per_item: float = Field(gt=0, le=120)  # for the estimate in the opening
    problems: dict[str, Literal["severe", "normal"]]
    phrases: dict[str, tuple[str, ...]]
    glossary: dict[str, Term]
    clauses: dict[str, ClauseSpec]
    items: dict[str, ItemSpec]
    care: Care

    def specs(self) -> dict[str, ClauseSpec]:
        """Clauses, items and comprehension questions by id, each item before its question."""
        found: dict[str, ClauseSpec] = dict(self.clauses)
        for id, spec in self.items.items():
            found[id] = spec
            if spec.check:
                found[check_id(id)] = spec.check.model_copy(update={"when": spec.when})
        return found

    @model_validator(mode="after")
    def _whole(self) -> Document:
        if missing := sorted(REQUIRED - self.clauses.keys()):
            raise ValueError(f"clauses missing: {', '.join(missing)}")
        if both := sorted(self.clauses.keys() & self.items.keys()):
            raise ValueError(f"both clause and item: {', '.join(both)}")
        checks = {check_id(id) for id, spec in self.items.items() if spec.check}
        if both := sorted(checks & (self.clauses.keys() | self.items.keys())):
            raise ValueError(f"the id of a comprehension question is taken: {', '.join(both)}")
        for id, spec in self.specs().items():
            self._refers(id, spec)
        for id, spec in self.items.items():
            if spec.check and spec.expect != "yes":
                raise ValueError(f"item {id}: only a yes can be checked")
            if not (spec.plain and spec.keys and spec.expect and spec.code):
                raise ValueError(f"item {id} needs plain, keys, expect and code")
            if bool(spec.asks) != (spec.expect == "yes"):
                raise ValueError(f"item {id}: asks belongs to an expected yes, and that needs it")
            if spec.dynamic:
                raise ValueError(f"item {id} may not speak of {', '.join(DYNAMIC)}")
        return self

    def _refers(self, id: str, spec: ClauseSpec) -> None:
        templates = [t for t in spec.wordings() if not OPTIONS.keys().isdisjoint(t.fields())]
        if templates and not (isinstance(spec, CheckSpec) and templates == [spec.keys]):
            raise ValueError(f"{id}: first and second are for the keys of a check")
        if spec.code and spec.code not in self.problems:
            raise ValueError(f"{id}: unknown problem code {spec.code}")
        if spec.phrases and spec.phrases not in self.phrases:
            raise ValueError(f"{id}: unknown phrase list {spec.phrases}")
        if unknown := set(spec.terms) - self.glossary.keys():
            raise ValueError(f"{id}: not in the glossary: {', '.join(sorted(unknown))}")


def check_id(item: str) -> str:
    """The clause id of an item's comprehension question."""
    return item + "q"
