"""One policy's script: every clause in its exact words, and what is known of each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

from bot.answers import expectation, times
from bot.answers.expectation import Expectation
from bot.dialogue.protocol import Asks
from bot.errors import MissingField
from bot.questionnaires import wording
from bot.questionnaires.schema import DYNAMIC, OPTIONS, CheckSpec, ClauseSpec, Document, check_id

Way = Literal["phone", "chat"]
Form = Literal["text", "plain", "keys", "explain"]


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause in the exact words of one policy."""

    id: str
    text: str
    plain: str  # the forms a clause does not have equal its text
    keys: str
    explain: str | None  # from policy fields and glossary only; None = a human's
    source: str  # the article the clause comes from, or D for our own design
    expect: Literal["yes", "no"] | None  # None where nothing particular is expected
    code: str  # problem code of an unexpected answer; "" where there is none
    severe: bool  # an unexpected answer goes to a human at once
    patience_s: float
    interruptible: bool
    phrases: tuple[str, ...]  # answers that make sense here, for the recogniser
    sha256: str  # of `text` in UTF-8
    explain_source: str = ""  # the articles that `explain` rests on
    check: str = ""  # of an item: id of its comprehension question; "" where it has none
    must_check: bool = False  # of an item: every yes is followed by that question
    asks: tuple[Asks, ...] = ()  # of an item: what a yes must be a yes to
    checks: str = ""  # of a comprehension question: the item it belongs to
    expects: Expectation | None = None  # of a comprehension question: the contract's answer

    @staticmethod
    def wording_sha256(text: str) -> str:
        """The hash that evidence keeps beside words that were spoken."""
        return hashlib.sha256(text.encode()).hexdigest()

    def forms(self) -> Mapping[Form, str]:
        """Every form there is words for."""
        found: dict[Form, str] = {"text": self.text, "plain": self.plain, "keys": self.keys}
        return found | ({"explain": self.explain} if self.explain else {})


@dataclass(frozen=True, slots=True)
class Script:
    """All clauses for one policy. Those that wait for a value (`dynamic`) come from `fill`."""

    version: str
    language: str  # ISO 639-1: what it is spoken and written in
    sha256: str  # of the questionnaire file
    clauses: Mapping[str, Clause]
    items: tuple[str, ...]  # what is asked of this policy, in order
    elder: bool  # the policyholder has reached the age for plainer and slower speech
    dynamic: frozenset[str]
    _render: Renderer = field(repr=False)

    def fill(self, id: str, **values: Any) -> Clause:
        """A dynamic clause with its values: `slot` (str), `total`, `problems` (int); those it does
        not speak of are ignored. Raises MissingField for one it needs, TypeError for an unknown
        one. A clause that is not dynamic comes as it is."""
        if unknown := values.keys() - DYNAMIC.keys():
            raise TypeError(f"no clause speaks of {', '.join(sorted(unknown))}")
        return self._render.clause(id, values) if id in self.dynamic else self.clauses[id]

    @property
    def open_hours(self) -> tuple[int, int]:
        """Between which hours this policyholder may be called again."""
        return self._render.values["opens"], self._render.values["closes"]

    def slot(self, when: datetime, now: datetime) -> str:
        """A time as this script says it: 明天下午三点; in a translation the whole date."""
        return self._render.slot(when, now)

    def interruptible(self, id: str) -> bool:
        """Whether the caller may barge in on a clause, dynamic or not."""
        return self._render.spec(id).interruptible

    def fixed_texts(self) -> tuple[str, ...]:
        """Words that are the same for every policy of this version and company."""
        return self._texts(own=False)

    def policy_texts(self) -> tuple[str, ...]:
        """Words with something of this policy in them; what is surely spoken comes first."""
        return self._texts(own=True)

    def _texts(self, own: bool) -> tuple[str, ...]:
        first: list[str] = []
        later: list[str] = []
        for id, clause in self.clauses.items():
            opening = "plain" if self.elder and (id in self.items or clause.checks) else "text"
            for form, text in clause.forms().items():
                if self._render.is_own(id, form) is own:
                    (first if form == opening else later).append(text)
        return tuple(dict.fromkeys(first + later))


@dataclass(frozen=True)
class Renderer:
    """The specs and values behind one script."""

    document: Document
    values: Mapping[str, Any]
    elder: bool
    way: Way
    careful: bool  # special care is due: whatever can be checked is
    written: Callable[[str], str] = str  # fixed expressions in the language of the words

    def spec(self, id: str) -> ClauseSpec:
        return self._specs[id]

    @cached_property
    def _specs(self) -> Mapping[str, ClauseSpec]:
        return self.document.specs()

    def is_own(self, id: str, form: Form) -> bool:
        """Whether the words of this form differ from policy to policy."""
        template = self._templates(self.spec(id))[form]
        own = wording.FIELDS.keys() | OPTIONS.keys() | {"minutes"}
        return template is not None and not own.isdisjoint(template.fields())

    def _templates(self, spec: ClauseSpec) -> dict[Form, wording.Template | None]:
        """A chat wording stands for all forms: the others speak of keys and of listening."""
        text = spec.text
        plain, keys = spec.plain or text, spec.keys or text
        if spec.chat and self.way == "chat":
            text = plain = keys = spec.chat
        if isinstance(spec, CheckSpec) and self.way == "chat" and not self.document.of:
            keys = plain  # the buttons of a chat say yes and no
        return {"text": text, "plain": plain, "keys": keys, "explain": spec.explain}

    def clause(self, id: str, more: Mapping[str, Any] = MappingProxyType({})) -> Clause:
        """Raises MissingField."""
        spec, values = self.spec(id), {**self.values, **more}
        expects = self._expectation(id, spec) if isinstance(spec, CheckSpec) else None
        if expects:
            values |= dict(zip(OPTIONS, expects.options, strict=True))
        words = {
            form: template.render(values, id, self.written) if template else ""
            for form, template in self._templates(spec).items()
        }
        severity = self.document.problems.get(spec.code)
        patience = spec.patience_s or self.document.patience_s
        return Clause(
            id=id,
            text=words["text"],
            plain=words["plain"],
            keys=words["keys"],
            explain=self._terms(spec) + words["explain"] or None,
            source=spec.source,
            expect=spec.expect,
            code=spec.code,
            severe=severity == "severe",
            patience_s=patience * (self.document.elder_patience if self.elder else 1),
            interruptible=spec.interruptible,
            phrases=self.document.phrases[spec.phrases] if spec.phrases else (),
            sha256=Clause.wording_sha256(words["text"]),
            explain_source=self._explain_source(spec),
            expects=expects,
            **self._checked(id),
        )

    def slot(self, when: datetime, now: datetime) -> str:
        if not self.document.of:
            return times.spoken_slot(when, now)
        hour = f"{when.hour}点{when.minute}分"
        return self.written(f"{when.year}年{when.month}月{when.day}日{hour}")

    def _checked(self, id: str) -> dict[str, Any]:
        """How an item and its comprehension question name each other."""
        if item := self.document.items.get(id):
            must = item.check is not None and (self.careful or item.check.ask == "always")
            check = check_id(id) if item.check else ""
            return {"check": check, "must_check": must, "asks": item.asks}
        return {"checks": next((i for i in self.document.items if check_id(i) == id), "")}

    def _expectation(self, id: str, spec: CheckSpec) -> Expectation:
        """Raises MissingField where the policy does not hold the answer."""
        if spec.choice:
            first, second = spec.choice
            labels, ways = (first.label, second.label), (first.say, second.say)
            return expectation.choice(labels, ways, int(second.right))
        assert spec.field is not None
        value, key = self.values.get(spec.field), f"{self.values.get('number')} {id}"
        match value:
            case int():
                return expectation.number(value, spec.units, key)
            case Decimal():
                return expectation.amount(value, key)
            case date():
                return expectation.day(value, key)
            case _:
                raise MissingField(spec.field, id)

    def _explain_source(self, spec: ClauseSpec) -> str:
        bases = [self.document.glossary[term].basis for term in spec.terms]
        return "；".join(dict.fromkeys([*bases, spec.source]))

    def _terms(self, spec: ClauseSpec) -> str:
        return "".join(self.document.glossary[term].text for term in spec.terms)
