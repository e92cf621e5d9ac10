"""How likely a sound is to be spelt so: the forward algorithm of connectionist temporal
classification (Graves et al., "Connectionist Temporal Classification", ICML 2006, section 4.1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Chances = NDArray[np.float32]
"""Shape (frames, units): probabilities of each frame; column 0 is CTC's blank."""

IMPOSSIBLE = -1e4
"""Nats, of a spelling that has more units than there are frames."""


def log_likelihoods(chances: Chances, spellings: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """The natural logarithm of the probability of each spelling (numbers of units, none of them 0),
    all of them in one pass. Frames: at least one."""
    longest = max(map(len, spellings), default=0)
    states = np.zeros((len(spellings), 2 * longest + 1), np.intp)  # blank, unit, blank, unit …
    for row, units in enumerate(spellings):
        states[row, 1 : 2 * len(units) : 2] = units
    # From one unit to the next without a blank, unless they are the same.
    leap = np.zeros(states.shape)
    leap[:, 2:] = (states[:, 2:] != 0) & (states[:, 2:] != states[:, :-2])
    rows = np.arange(len(spellings))
    ends = np.array([2 * len(units) for units in spellings], np.intp)

    reached = np.zeros(states.shape)
    reached[:, :2] = 1.0
    reached *= chances[0][states]
    total = np.zeros(len(spellings))
    for frame in chances[1:]:
        moved = reached.copy()
        moved[:, 1:] += reached[:, :-1]
        moved[:, 2:] += reached[:, :-2] * leap[:, 2:]
        reached = moved * frame[states]
        # Kept near 1, since a product of hundreds of probabilities is none that can be held.
        scale = reached.max(axis=1)
        scale[scale == 0] = 1.0
        reached /= scale[:, None]
        total += np.log(scale)
    last = reached[rows, ends] + np.where(ends > 0, reached[rows, np.maximum(ends - 1, 0)], 0.0)
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(last) + total, IMPOSSIBLE)
