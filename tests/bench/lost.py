"""At which stage an utterance was lost between the caller's mouth and the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from bot.dialogue.protocol import Meaning
from nlu.components import reasons
from nlu.components.clauses import clauses, word
from nlu.components.normalise import normalise
from nlu.components.table import table
from nlu.components.utterance import Heard
from voice.frames import Transcript

STAGES = {
    reasons.MUFFLED: "confidence",
    reasons.OTHERWISE: "ratio",
    reasons.LOST_NO: "lost_no",
    reasons.NOISY: "noise",
    reasons.UNSURE: "classifier",
    reasons.SOUNDS_LIKE_NO: "sounds like no",
    reasons.LIKE_NO: "sounds like no",
}


class Understood(Protocol):
    """One utterance that was spoken; see `bench_understand.Heard`."""

    @property
    def pieces(self) -> tuple[Transcript, ...]: ...
    @property
    def meanings(self) -> tuple[Meaning, ...]: ...


def stage(heard: Understood) -> str:
    """Where an utterance went that was not understood as it was meant."""
    if not heard.pieces:
        return "endpointer"
    if not any(piece.text for piece in heard.pieces):
        return "no text"
    piece, meaning = max(
        zip(heard.pieces, heard.meanings, strict=True), key=lambda both: len(both[0].text)
    )
    if meaning.request or meaning.answer != "unclear":
        return f"taken for {meaning.request or meaning.answer}"
    if meaning.reason in STAGES:
        return STAGES[meaning.reason]
    if meaning.reason in reasons.UNREAD:
        return "repair refused" if readable(piece.text) else "text not read"
    return "unsure by a rule"


def readable(text: str) -> bool:
    """Whether all of it can be read by its sound as words of a yes."""
    rules = table()
    written = rules.respelt(normalise(text, 500))
    read = rules.repairs.read(written, lambda said, at: word(said, at, rules)[0])
    said = clauses(read, Heard(read), rules)
    return any(c.core for c in said) and not any(c.unknown for c in said)


def by_stage(lost: Iterable[Understood]) -> dict[str, int]:
    """How many of them were lost where, the most frequent first."""
    return dict(Counter(map(stage, lost)).most_common())
