"""Was there a negation in the sound, whatever was written? Read off the recogniser's own doubts.

不 is short and the first thing a telephone swallows: 没收到 comes out as 我收到. A decoder that
writes 我 there still gives 没 a probability that it does not give in a sentence without a negation.
How well that tells them apart is in docs/understanding.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]  # one row a step, one column a token


@dataclass(frozen=True, slots=True)
class Negations:
    """Tokens that hold a sign of negation."""

    negative: frozenset[int]
    harmless: frozenset[int]  # that deny nothing all the same (没错)


def find(written: Sequence[str], signs: Iterable[str], harmless: Iterable[str]) -> Negations:
    """`written`: the text of every token, by its number."""
    known, agreeing = tuple(signs), frozenset(harmless)
    signed = {t for t, text in enumerate(written) if any(sign in text for sign in known)}
    excused = frozenset(token for token in signed if written[token].strip() in agreeing)
    return Negations(frozenset(signed) - excused, excused)


def scores(tokens: Sequence[int], logits: Logits, negations: Negations) -> dict[str, float]:
    """Probabilities, 0..1: "lost_no", the largest of a negation at a step that wrote none, and
    "said_no", the largest of a negation that was written; absent where no step is of that kind.

    `logits`: at least one row for each of `tokens`, whose end of text is left out."""
    columns = sorted(negations.negative)
    if not columns:
        return {}
    found: dict[str, float] = {}
    for token, row in zip(tokens, logits, strict=False):
        if token in negations.harmless:
            continue
        chances = np.exp(row - row.max())
        chance = float(chances[columns].sum() / chances.sum())
        name = "said_no" if token in negations.negative else "lost_no"
        found[name] = max(found.get(name, 0.0), chance)
    return found
