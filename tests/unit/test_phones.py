"""The second reader's spelling: what known answer it is, and that its weights are the measured
ones. What it hears of real sound: test_whisper.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from voice.errors import ModelError
from voice.listening.closed_set import ANY, YES_NO, ClosedSet
from voice.listening.phones import FILE, Phones, Spellings, fold, spelling, syllables


def test_words_are_spelt_in_initials_and_finals() -> None:
    assert spelling("清楚了") == ("q", "-ing", "ch", "-u", "l", "-e")
    assert spelling("嗯安女") == ("n", "-an", "n", "-v")
    assert syllables(spelling("我知道了")) == "wo zhi dao le"


def test_what_was_heard_in_part_stands_alone() -> None:
    assert syllables(("q", "ch", "-u", "-an")) == "q chu an"
    assert syllables(()) == ""


def test_what_is_spelt_like_a_known_answer_is_that_answer() -> None:
    known = Spellings(("清楚", "知道了", "不知道", "我知道"))
    assert known.find(spelling("清楚")) == "清楚"
    assert known.find(("q", "-in", "c", "-u")) == "清楚", "as whole regions say it"
    assert known.find(spelling("情书")) == "", "no unit of so short an answer may be wrong"
    assert known.find(("zh", "-i", "d", "-ao", "l", "-a")) == "知道了"
    assert known.find(("zh", "-i", "d", "-ao", "l")) == "知道了"
    assert known.find(("k", "zh", "-i", "d", "-ao", "l", "-e")) == "", "one too many"
    assert known.find(("s", "-i", "d", "-ao", "l", "-e")) == "", "another beginning"
    assert known.find(("zh", "-i", "d", "-ao", "m", "-a")) == "", "a question"
    assert known.find(("zh", "-i", "b", "-ao", "l", "-a")) == ""
    assert known.find(()) == ""


@pytest.mark.parametrize("answers", [YES_NO, ANY])
def test_a_negation_that_was_heard_in_part_makes_no_yes(answers: ClosedSet) -> None:
    """Nor one heard whole, before a known yes or in it."""
    known = Spellings(answers.phrases)
    for yes in answers.yes:
        places = [yes[:at] + no + yes[at:] for at in range(len(yes)) for no in "不没未勿"]
        for text in (*places, "我不" + yes, "都不" + yes, "没有" + yes):
            units = spelling(text)
            part = spelling(text[: text.index(next(c for c in text if c in "不没未勿"))])
            at = len(part)
            for heard in (units, units[:at] + units[at + 1 :], units[: at + 1] + units[at + 2 :]):
                assert known.find(heard) not in answers.yes, (text, heard)


def test_regions_that_do_not_tell_sounds_apart_fold_them() -> None:
    assert fold(("zh", "-ing", "sh", "-eng", "l")) == ("z", "-in", "s", "-en", "l")


def test_silence_is_spelt_as_nothing_and_the_states_behind_the_sound_do_not_count() -> None:
    reader = Phones()
    states = np.zeros((500, 512), np.float32)
    assert reader.read(states, 0.0) == reader.read(states, 1.0)
    assert len(reader.read(np.ones((3, 512), np.float32), 10.0)) <= 3


def test_other_weights_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "phones.npz"
    with pytest.raises(ModelError, match="cannot be read"):
        Phones(other)
    other.write_bytes(FILE.read_bytes()[:-1])
    with pytest.raises(ModelError, match="measured"):
        Phones(other)
