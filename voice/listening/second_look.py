"""When a larger model looks at the same sound once more, and what both say together.

Most answers are understood at the first look; the rest would be asked again, which costs a caller
ten seconds and a larger model 0.45 s of a core. Where both looked, both must be for an answer.
"""

from __future__ import annotations

from dataclasses import replace
from math import log, sqrt

from voice.listening import complete
from voice.listening.closed_set import ClosedSet
from voice.listening.whisper_model import Look

SURE_LOG_PROB = -0.8
"""Mean of the tokens of free text. What is less sure counts for nothing where it is asked for (a
number needs a confidence of 0.45)."""
LOST_NO = 0.1  # probability of a negation that was not written
SPELT_RATIO = 8.0  # of a yes that was spelt, of two syllables or more
UNDENIED = 3.0  # nats; how much better than its denial a yes that was spelt explains the sound
UNDECIDED = 2.0  # a ratio nearer to 1 than this or its inverse does not know
_RATIOS = ("yes_no", "yes_other", "no_other", "urgent", "known")


def settled(look: Look, answers: ClosedSet | None, spelt: str = "") -> bool:
    """Whether nothing more is to be learnt: free text that is sure, or one or several of the known
    `answers`, with scores of their kind, as they are written or, surer still, as a second reader
    `spelt` them (`listening.phones`)."""
    if answers is None:
        return look.mean_log_prob >= SURE_LOG_PROB
    if look.scores.get("lost_no", 0.0) > LOST_NO:
        return False
    if look.credible and complete.is_answer(complete.bare(look.text), look.scores, answers):
        return True
    if spelt != look.nearest or not complete.is_answer(spelt, look.scores, answers):
        return False
    ratios = [look.scores.get(name, 1.0) for name in ("yes_no", "yes_other")]
    surely = len(spelt) > 1 and min(ratios) >= SPELT_RATIO
    return spelt not in answers.yes or (
        surely and look.scores.get("spelt_undenied", UNDENIED) >= UNDENIED
    )


def together(first: Look, second: Look) -> Look:
    """The words of the second look, the larger model's, or of the first where it found none, with
    the scores of both: the geometric mean, but of ratios one of which does not know, that one."""
    words = second if second.credible and second.tokens else first
    shared = first.scores.keys() & second.scores.keys() & {*_RATIOS, "lost_no"}
    scores = {name: _mean(name, first.scores[name], second.scores[name]) for name in shared}
    return replace(words, scores={**words.scores, **scores})


def _mean(name: str, one: float, other: float) -> float:
    if name in _RATIOS:
        weaker = min(one, other, key=lambda ratio: abs(log(ratio)))
        if abs(log(weaker)) < log(UNDECIDED):
            return weaker
    return sqrt(one * other)
