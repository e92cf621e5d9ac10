"""From acts to clauses and evidence: what will be said, what is claimed. Pure.

The dialogue speaks in clause ids; here they become the exact words of this policy's script, and
the drafts that must be on disk before the first of them is heard.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.answers.proof import Heard, Held, Unproven, answered
from bot.dialogue.protocol import (
    Act,
    Ask,
    Check,
    Close,
    Explain,
    Flag,
    Form,
    Handoff,
    Hold,
    Pace,
    Record,
    Reschedule,
    Say,
    Verify,
    Wait,
)
from bot.evidence.ledger import Draft
from bot.questionnaires.questionnaire import Clause, Script
from voice.line import Speech

SLOWER, SLOWEST = 0.85, 0.6  # factor of one "slower"; the slowest we go
LOUDER, LOUDEST = 4.0, 8.0  # dB

# A sentence ends at its mark; closing quotes and brackets stay with it.
_SENTENCE = re.compile(r"[^。！？；]+[。！？；]?[”」』》）]*")


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a clause: each is synthesised, cached and played by itself."""
    return tuple(part.strip() for part in _SENTENCE.findall(text) if part.strip())


@dataclass(frozen=True)
class Manner:
    """How we speak at present."""

    rate: float = 1.0
    gain_db: float = 0.0

    def changed(self, change: str) -> Manner:
        if change == "slower":
            return replace(self, rate=max(SLOWEST, round(self.rate * SLOWER, 3)))
        return replace(self, gain_db=min(LOUDEST, self.gain_db + LOUDER))


@dataclass(frozen=True)
class Question:
    """What was last asked, and which speeches carry it."""

    clause: Clause
    form: Form
    text: str = field(repr=False)
    speech: tuple[str, ...]
    asked_seq: int

    @property
    def keys_named(self) -> bool:
        """Whether it was said what the keys stand for: a chat may have no such words."""
        return self.form == "keys" and self.text != self.clause.plain

    @property
    def term(self) -> tuple[str, ...]:
        """The speeches that must have been heard to their end before an answer counts: all but
        the closing "您清楚吗？", or the only one."""
        return self.speech[:-1] or self.speech


@dataclass(frozen=True)
class Spoken:
    """One clause on its way to the caller: the speeches that carry its sentences, in order."""

    clause: str
    speech: tuple[str, ...]


@dataclass
class Plan:
    """One turn's consequences, in the order they happen: commit, speak, then the rest."""

    manner: Manner
    drafts: list[Draft] = field(default_factory=list)
    speech: list[Speech] = field(default_factory=list)
    spoken: list[Spoken] = field(default_factory=list)
    question: Question | None = None
    held: Held | None = None
    wait_s: float | None = None
    handoff: str | None = None
    close: str | None = None
    errand: Verify | Check | Reschedule | None = None


class Stage:
    """Turns acts into plans for one conversation; knows the script and how clauses are split."""

    def __init__(self, script: Script, *, spoken: bool) -> None:
        self.script = script
        self._spoken = spoken  # a chat shows a clause whole, a phone speaks it by sentence
        self._count = 0

    def missing_explanation(self, acts: Sequence[Act]) -> bool:
        return any(
            isinstance(act, Explain) and not self.script.clauses[act.clause].explain for act in acts
        )

    def plan(
        self,
        acts: Sequence[Act],
        manner: Manner,
        *,
        first_seq: int,
        heard: Heard | None = None,
        question: Question | None = None,
        held: Held | None = None,
        fill: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Plan:
        """`first_seq` is the sequence number the first of the plan's drafts will get; `question`
        the one that was open; `held` the yes that waits for its comprehension question; `fill` the
        values of dynamic clauses. Raises Unproven."""
        plan = Plan(manner, held=held)
        if heard:
            plan.drafts.append(heard.draft)
        for act in acts:
            match act:
                case Say() | Ask() | Explain():
                    self._speak(plan, act, self._clause(act.clause, fill), first_seq)
                case Record():
                    clause = self.script.clauses[act.item]
                    asked = question.asked_seq if question else None
                    plan.drafts.append(
                        answered(act, clause, asked_seq=asked, heard=heard, held=held)
                    )
                    plan.held = None
                case Hold():
                    if heard is None or question is None:
                        raise Unproven(f"no question and no words for the yes to {act.item}")
                    plan.held = Held(act.item, question.asked_seq, heard, act.reason)
                case Pace():
                    plan.manner = plan.manner.changed(act.change)
                    body = {"rate": plan.manner.rate, "gain_db": plan.manner.gain_db}
                    plan.drafts.append(Draft("pace", body))
                case Flag():
                    plan.drafts.append(Draft("flagged", {"code": act.code}))
                case Wait():
                    plan.wait_s = act.seconds
                case Handoff():
                    plan.handoff = act.reason
                case Close():
                    plan.close = act.outcome
                case Verify() | Check() | Reschedule():
                    plan.errand = act
                case _:
                    raise ValueError(f"unknown act {act!r}")
        return plan

    def _clause(self, id: str, fill: Mapping[str, Mapping[str, Any]] | None) -> Clause:
        if id in self.script.dynamic:
            return self.script.fill(id, **(fill or {}).get(id, {}))
        return self.script.clauses[id]

    def _form(self, act: Ask, clause: Clause) -> Form:
        """The elderly hear the plain wording from the start (docs: rules, "Elderly people")."""
        plain_first = self.script.elder and (clause.id in self.script.items or clause.checks)
        return "plain" if plain_first and act.form == "full" else act.form

    def _speak(self, plan: Plan, act: Say | Ask | Explain, clause: Clause, first_seq: int) -> None:
        form: Form = self._form(act, clause) if isinstance(act, Ask) else "full"
        forms = {"full": clause.text, "plain": clause.plain, "keys": clause.keys}
        text = (clause.explain or "") if isinstance(act, Explain) else forms[form]
        ids = self._utter(plan, clause, text)
        sha256 = clause.wording_sha256(text)
        body: dict[str, Any] = {"clause": clause.id, "form": form, "text": text, "sha256": sha256}
        match act:
            case Say():
                plan.drafts.append(Draft("said", body))
            case Explain():
                plan.drafts.append(Draft("explained", body | {"source": clause.explain_source}))
            case Ask():
                body |= {"item": clause.id in self.script.items, "source": clause.source}
                if clause.must_check:
                    body["must_check"] = True
                if clause.checks:
                    body["checks"] = clause.checks
                seq = first_seq + len(plan.drafts)
                plan.question = Question(clause, form, text, ids, seq)
                plan.drafts.append(Draft("asked", body))

    def _utter(self, plan: Plan, clause: Clause, text: str) -> tuple[str, ...]:
        """The ids of the speeches that carry the text."""
        ids = []
        for part in sentences(text) if self._spoken else (text,):
            self._count += 1
            ids.append(f"{clause.id}.{self._count}")
            rate, gain_db = plan.manner.rate, plan.manner.gain_db
            plan.speech.append(Speech(ids[-1], part, rate, gain_db, clause.interruptible))
        plan.spoken.append(Spoken(clause.id, tuple(ids)))
        return tuple(ids)
