"""An answer to a term as evidence; a yes that must be understood is not written without its proof.

Pure. The proof is the right answer to the term's comprehension question; the answer cites both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, assert_never

from bot.answers.comprehension import Checked, Result
from bot.dialogue.protocol import Answer, Record
from bot.evidence.ledger import Draft
from bot.questionnaires.questionnaire import Clause


@dataclass(frozen=True)
class Heard:
    """The utterance or key a turn answers, as evidence."""

    draft: Draft
    seq: int

    def cited(self) -> dict[str, Any]:
        keys = ("text", "confidence", "audio_sha256", "start_ms", "end_ms")
        return {key: self.draft.body.get(key) for key in keys}


@dataclass(frozen=True)
class Held:
    """A spoken yes that waits for the right answer to its item's comprehension question."""

    item: str
    asked_seq: int
    heard: Heard
    reason: str  # the guard's
    result: Result | None = None  # of the last answer to that question
    checked_seq: int | None = None  # number of its event

    def settled(self, checked: Checked, seq: int) -> Held:
        return replace(self, result=checked.result, checked_seq=seq)


class Unproven(ValueError):
    """The dialogue would record a yes without the comprehension that belongs to it."""


def answered(
    act: Record, clause: Clause, *, asked_seq: int | None, heard: Heard | None, held: Held | None
) -> Draft:
    """The final answer to the term `clause`, asked and heard in these events; a yes that was `held`
    is cited with the check it waited for. Raises Unproven."""
    held = held if held and held.item == act.item else None
    as_expected = act.answer == clause.expect
    if as_expected and (held or clause.must_check) and (not held or held.result != "right"):
        raise Unproven(f"a yes to {act.item} without the right answer to its question")
    checked: dict[str, Any] = {}
    if held:
        asked_seq, heard = held.asked_seq, held.heard
        checked = {"checked_seq": held.checked_seq}
    return Draft(
        "answered",
        {
            "item": act.item,
            "answer": act.answer,
            "expect": clause.expect,
            "as_expected": as_expected,
            "code": "" if as_expected else _problem(act.answer, clause, held),
            "clause_sha256": clause.sha256,
            "asked_seq": asked_seq,
            "heard_seq": heard.seq if heard else None,
            "reason": act.reason or (held.reason if held else ""),
            **(heard.cited() if heard else {}),
            **checked,
        },
    )


def _problem(answer: Answer, clause: Clause, held: Held | None) -> str:
    if held and held.result == "wrong":
        return clause.code  # the yes was clear, what it was said to is not understood
    match answer:
        case "unclear":
            return "P17_UNCLEAR_ANSWER"
        case "yes" | "no":
            return clause.code
        case _:
            assert_never(answer)
