"""One utterance as the judge is given it, and the meaning that it makes of it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.dialogue.protocol import Answer, Meaning
from voice.clues import Clues

REQUESTS = {
    name: name
    for name in (
        "human", "repeat", "slower", "louder", "explain", "wait",
        "wrong_person", "complain", "busy", "goodbye", "other",
    )
} | {"surrender": "complain", "coached": "complain"}  # fmt: skip
_AT_A_CHECK = frozenset({"human", "complain", "coached", "wait", "other"})
"""What the classifier alone may bring at a comprehension question. Only the application can tell
whether 不能全退 or 会再赔 answers it: nothing that merely sounds like a request goes before."""
ANSWERS: dict[str, Answer] = {"affirm": "yes", "deny": "no"}


@dataclass(frozen=True)
class Guess:
    """The classifier's opinion."""

    intent: str = "other"
    confidence: float = 0.0
    affirm: float = 0.0  # the probability it gives to a yes, first choice or not


@dataclass(frozen=True)
class Heard(Clues):
    """One utterance and what is known about how it was heard and what was asked."""

    text: str
    expect: str = "yes"  # what the question hopes for: yes or no
    via: str = "text"
    confidence: float = 1.0  # the recogniser's, 0..1
    phase: str = ""
    asks: tuple[str, ...] = ()  # what the question asks for; empty: not known

    @property
    def question(self) -> str:
        return "-" if self.expect == "no" else "+"

    def may_request(self, intent: str) -> bool:
        """Whether `intent` is a request that may be taken from the classifier alone here."""
        return intent in (_AT_A_CHECK if self.phase == "comprehension" else REQUESTS)


def meaning(intent: str, guess: Guess, reason: str) -> Meaning:
    confidence = guess.confidence if intent == guess.intent else max(0.5, 1 - guess.confidence)
    return Meaning(
        intent=intent,
        confidence=round(confidence, 4),
        answer=ANSWERS.get(intent, "unclear"),
        request=REQUESTS.get(intent),
        reason=reason,
    )


def bare(text: str) -> str:
    return text.replace("，", "").replace("？", "")
