"""The known answer that explains the sound best: one more voice where the text alone decides
nothing. Ratios are those of `voice.clues.Clues.scores`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from nlu.components import pinyin

Scores = Mapping[str, float]


def kind(scores: Scores, sure: float) -> str | None:
    """Which kind of answer it surely was: "yes", "no" or "other"; None where two of them, or the
    free text, are nearly as likely."""
    names = ("yes_no", "yes_other", "no_other")
    if scores.get("known", 0.0) < 1 or not all(name in scores for name in names):
        return None
    yes_no, yes_other, no_other = (scores[name] for name in names)
    if min(yes_no, yes_other) >= sure:
        return "yes"
    if yes_no <= 1 / sure and no_other >= sure:
        return "no"
    return "other" if max(yes_other, no_other) <= 1 / sure else None


def same(text: str, nearest: str) -> bool:
    """Whether both are the same words, however often they were said (对对, 对对对对)."""
    return bool(nearest) and _once(text) == _once(nearest)


def _once(text: str) -> str:
    return re.sub(r"^(.+?)\1+$", r"\1", text)


def likeness(text: str, nearest: str) -> float:
    """The share of beginnings and ends of syllables that are alike, 0..1; 0 where one has more
    syllables."""
    if len(text) != len(nearest):
        return 0.0
    pairs = zip(pinyin.sounds(text), pinyin.sounds(nearest), strict=True)
    alike = sum((a[0] == b[0]) + (a[1] == b[1]) for a, b in pairs)
    return alike / (2 * len(text))
