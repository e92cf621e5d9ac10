"""The scores of a closed set, without a model."""

import pytest

from voice.listening.closed_set import MAX_RATIO, YES_NO, ClosedSet, negation_ratio, ratios


def test_answers_strung_together_are_told_from_a_no() -> None:
    readings = [("知道了清楚", -2.0), ("知道了不清楚", -5.0), ("不知道清楚", -9.0)]
    assert negation_ratio(YES_NO, readings)["yes_no"] == pytest.approx(20.1, abs=0.1)


def test_a_lost_negation_that_the_sound_allows_is_no_yes() -> None:
    readings = [("知道清楚", -2.0), ("不知道清楚", -2.2)]
    assert negation_ratio(YES_NO, readings)["yes_no"] < 2
    assert negation_ratio(YES_NO, [("不知道不清楚", -2.0)])["yes_no"] == pytest.approx(
        1 / MAX_RATIO
    )


def test_nothing_can_be_said_without_signs_of_negation_or_readings() -> None:
    assert negation_ratio(ClosedSet(yes=("네",), no=("아니요",)), [("네네", -1.0)]) == {}
    assert negation_ratio(YES_NO, []) == {}


def test_a_wish_for_a_human_is_weighed_against_everything_else() -> None:
    heard = {"转人工": -3.0, "是": -6.0, "转人": -1.0}
    scores = ratios(YES_NO, heard, floor=-12.0)
    assert scores["urgent"] == pytest.approx(20.1, abs=0.1)
    assert scores["yes_other"] < 1
    assert scores["no_other"] == pytest.approx(1 / MAX_RATIO)
    assert ratios(YES_NO, {"不是": -1.0, "什么": -2.0}, -5.0)["no_other"] == pytest.approx(
        2.718, 1e-3
    )
    assert ratios(YES_NO, {"是的": -2.0}, floor=-12.0)["urgent"] == pytest.approx(1 / MAX_RATIO)
