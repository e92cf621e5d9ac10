"""The test set is large, well formed and shares no sentence with what was trained or tuned on."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.dialogue.corpus import read, same, training

AT_LEAST = {"affirm": 80, "deny": 80, "hedge": 80}


def test_training_data_has_enough_varied_examples_for_every_intent() -> None:
    for intent, sentences in training().items():
        assert len({same(s) for s in sentences}) >= AT_LEAST.get(intent, 40), intent


def test_no_sentence_is_trained_with_two_meanings() -> None:
    meanings = Counter(same(s) for sentences in training().values() for s in set(sentences))
    twice = {
        s
        for s, n in meanings.items()
        if n > 1 and sum(s in map(same, sentences) for sentences in training().values()) > 1
    }
    assert not twice


def test_the_held_out_set_is_large_enough_and_has_every_label() -> None:
    rows = read("heldout")
    assert len(rows) >= 800
    assert {r.label for r in rows} == {
        "yes",
        "no",
        "unclear",
        "human",
        "repeat",
        "slower",
        "louder",
        "explain",
        "wait",
        "wrong_person",
        "complain",
        "busy",
        "goodbye",
        "other",
    }
    assert {r.answer for r in rows if r.question == "-"} >= {"yes", "no"}


@pytest.mark.parametrize(
    "name", ["heldout", "heldout2", "heldout3", "heldout4", "heldout5", "ordinary"]
)
def test_a_held_out_set_shares_no_sentence_with_training_or_tuning(name: str) -> None:
    held = {same(r.text) for r in read(name)}
    assert not held & {same(s) for sentences in training().values() for s in sentences}
    assert not held & {same(r.text) for r in read("dev")}
