"""The second reader's spelling: what known answer it is, and that its weights are the measured
ones. What it hears of real sound: test_whisper.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from voice.errors import ModelError
from voice.listening.closed_set import ANY, YES_NO, ClosedSet
from voice.listening.phones import (
    BASE,
    SMALL,
    Phones,
    Reading,
    Spellings,
    View,
    Weights,
    denied,
    fold,
    spelling,
    syllables,
    together,
)

UNITS = sorted({unit for text in YES_NO.phrases + ANY.phrases for unit in spelling(text)})
NUMBERS = {unit: number for number, unit in enumerate(UNITS, start=1)}


def heard(units: Sequence[str], sure: float = 0.95) -> Reading:
    """A sound in which each unit is heard for two frames, with a frame of none behind."""
    chances = np.full((3 * len(units), len(UNITS) + 1), (1 - sure) / len(UNITS), np.float32)
    for at, unit in enumerate(units):
        chances[3 * at : 3 * at + 2, NUMBERS[unit]] = sure
        chances[3 * at + 2, 0] = sure
    return Reading(tuple(units), (View(chances, NUMBERS),))


def test_words_are_spelt_in_initials_and_finals() -> None:
    assert spelling("清楚了") == ("q", "-ing", "ch", "-u", "l", "-e")
    assert spelling("嗯安女") == ("n", "-an", "n", "-v")
    assert syllables(spelling("我知道了")) == "wo zhi dao le"


def test_what_was_heard_in_part_stands_alone() -> None:
    assert syllables(("q", "ch", "-u", "-an")) == "q chu an"
    assert syllables(()) == ""


def test_what_is_spelt_like_a_known_answer_is_that_answer() -> None:
    known = Spellings(ClosedSet(yes=("清楚", "知道了", "我知道"), no=("不知道",)))

    def found(*units: str, sure: float = 0.95) -> str:
        return known.find(heard(units, sure))

    assert found(*spelling("清楚")) == "清楚"
    assert found("q", "-in", "c", "-u") == "", "none of its units is in doubt"
    assert found(*spelling("情书")) == ""
    assert found("zh", "-i", "d", "-ao", "l", "-e") == "知道了"
    assert found("zh", "-i", "d", "-ao", "m", "-a") == "", "a question"
    assert found("zh", "-i", "b", "-ao", "l", "-e") == ""
    assert known.find(Reading((), (View(np.ones((4, 3), np.float32) / 3, NUMBERS),))) == ""


def test_a_unit_that_was_in_doubt_may_be_the_known_one() -> None:
    known = Spellings(ClosedSet(yes=("清楚", "知道了"), no=("不清楚",), other=("清楚吗",)))
    reading = heard(spelling("情书"))
    reading.views[0].chances[6:8] = 0.001
    reading.views[0].chances[6:8, NUMBERS["sh"]], reading.views[0].chances[6:8, NUMBERS["ch"]] = (
        0.6,
        0.3,
    )
    assert known.find(reading) == "清楚"
    rival = Spellings(ClosedSet(yes=("清楚",), other=("情书",)))
    assert rival.find(reading) == "", "an answer of another kind is as likely"


def test_how_surely_nothing_was_denied() -> None:
    yes = heard(spelling("我清楚"))
    assert denied(yes, "我清楚") > 5
    assert denied(heard(spelling("不清楚")), "我清楚") < -5
    assert denied(heard(spelling("我不清楚")), "我清楚") < -5
    assert denied(heard(spelling("有")), "没有") < -5
    assert denied(heard(spelling("没有")), "没有") > 5
    yes.views[0].chances[:2, NUMBERS["w"]], yes.views[0].chances[:2, NUMBERS["b"]] = 0.5, 0.45
    yes.views[0].chances[3:5, NUMBERS["-o"]], yes.views[0].chances[3:5, NUMBERS["-u"]] = 0.5, 0.45
    assert abs(denied(yes, "我清楚")) < 1, "it may have been either"


@pytest.mark.parametrize("answers", [YES_NO, ANY])
def test_a_negation_that_was_heard_in_part_makes_no_yes(answers: ClosedSet) -> None:
    """Nor one heard whole, before a known yes or in it."""
    known = Spellings(answers)
    for yes in answers.yes:
        places = [yes[:at] + no + yes[at:] for at in range(len(yes)) for no in "不没未勿"]
        for text in (*places, "我不" + yes, "都不" + yes, "没有" + yes):
            at = len(spelling(text[: text.index(next(c for c in text if c in "不没未勿"))]))
            units = spelling(text)
            for said in (units, units[:at] + units[at + 1 :], units[: at + 1] + units[at + 2 :]):
                assert known.find(heard(said)) not in answers.yes, (text, said)


def test_regions_that_do_not_tell_sounds_apart_fold_them() -> None:
    assert fold(("zh", "-ing", "sh", "-eng", "l")) == ("z", "-in", "s", "-en", "l")


def test_two_networks_weigh_each_spelling_together() -> None:
    one, other = heard(spelling("好的")), heard(spelling("好得"), sure=0.6)
    assert together(one, other).units == spelling("好的")
    unsure, sure = heard(spelling("好对"), sure=0.6), heard(spelling("好的"))
    both = together(unsure, sure)
    assert both.units == spelling("好的"), "the surer one is believed"
    assert Spellings(YES_NO).find(both) == "好的"
    (own, alone) = (reading.likelihoods([spelling("好对")])[0] for reading in (both, sure))
    assert alone < own < 0, "what one of them heard is less unlikely to both"


def test_a_negation_that_one_network_heard_is_not_outvoted() -> None:
    yes, no = heard(spelling("清楚")), heard(spelling("不清楚"))
    assert denied(yes, "清楚") > 3
    for pair in ((yes, no), (no, yes)):
        both = together(*pair)
        assert denied(both, "清楚") < 3
        assert Spellings(YES_NO).find(both) not in YES_NO.yes


@pytest.mark.parametrize(("weights", "width"), [(BASE, 512), (SMALL, 768)])
def test_silence_is_spelt_as_nothing_and_the_states_behind_the_sound_do_not_count(
    weights: Weights, width: int
) -> None:
    reader = Phones(weights)
    states = np.zeros((500, width), np.float32)
    assert reader.read(states, 0.0).units == reader.read(states, 1.0).units
    assert len(reader.read(np.ones((3, width), np.float32), 10.0).units) <= 3


def test_other_weights_are_refused(tmp_path: Path) -> None:
    other = Weights(tmp_path / "phones.npz", BASE.sha256)
    with pytest.raises(ModelError, match="cannot be read"):
        Phones(other)
    other.path.write_bytes(BASE.path.read_bytes()[:-1])
    with pytest.raises(ModelError, match="measured"):
        Phones(other)
