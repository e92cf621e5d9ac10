"""The forward algorithm of CTC against every path written out."""

from __future__ import annotations

from itertools import groupby, product
from math import log

import numpy as np
import pytest

from voice.listening.ctc import IMPOSSIBLE, log_likelihoods

UNITS = 4  # with the blank


def _by_hand(chances: np.ndarray, spelling: tuple[int, ...]) -> float:
    total = 0.0
    for path in product(range(UNITS), repeat=len(chances)):
        if tuple(unit for unit, _ in groupby(path) if unit) == spelling:
            total += float(
                np.prod([frame[unit] for frame, unit in zip(chances, path, strict=True)])
            )
    return log(total) if total else IMPOSSIBLE


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_it_is_the_sum_over_all_paths(frames: int) -> None:
    chances = np.random.default_rng(frames).dirichlet(np.ones(UNITS), frames).astype(np.float32)
    spellings = [(), (1,), (2, 1), (1, 1), (3, 2, 1), (2, 2, 2)]
    found = log_likelihoods(chances, spellings)
    assert found == pytest.approx([_by_hand(chances, one) for one in spellings], abs=1e-4)


def test_a_long_sound_is_as_exact() -> None:
    chances = np.full((3000, UNITS), 0.25, np.float32)
    (silence,) = log_likelihoods(chances, [()])
    assert silence == pytest.approx(3000 * log(0.25))


def test_nothing_to_spell() -> None:
    assert len(log_likelihoods(np.ones((2, UNITS), np.float32), [])) == 0
