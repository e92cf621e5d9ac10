"""A negation that was in the sound and not in the text, from a recogniser's probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from voice.listening import negation

WRITTEN = ("我", "收到", "没", " 没有", "没错", "")
FOUND = negation.find(WRITTEN, ["不", "没"], ["没错"])


def logits(*rows: tuple[float, ...]) -> negation.Logits:
    """Rows of probabilities."""
    return np.log(np.asarray(rows, dtype=np.float32) + 1e-9)


def test_tokens_that_hold_a_sign_are_found_and_harmless_words_excused() -> None:
    assert FOUND.negative == {2, 3}
    assert FOUND.harmless == {4}


def test_the_chance_of_a_negation_that_was_not_written() -> None:
    rows = logits((0.6, 0.0, 0.3, 0.1, 0.0, 0.0), (0.0, 0.99, 0.01, 0.0, 0.0, 0.0))
    assert negation.scores([0, 1], rows, FOUND) == pytest.approx({"lost_no": 0.4}, abs=1e-3)


def test_the_chance_of_one_that_was_written() -> None:
    rows = logits((0.2, 0.0, 0.8, 0.0, 0.0, 0.0), (0.0, 0.99, 0.01, 0.0, 0.0, 0.0))
    found = negation.scores([2, 1], rows, FOUND)
    assert found == pytest.approx({"said_no": 0.8, "lost_no": 0.01}, abs=1e-3)


def test_a_harmless_word_is_neither() -> None:
    rows = logits((0.1, 0.0, 0.3, 0.0, 0.6, 0.0))
    assert negation.scores([4], rows, FOUND) == {}
    assert negation.scores([0], rows, negation.find(WRITTEN, [], [])) == {}
