"""Characters an engine does not know, or would read otherwise than they are meant."""

from __future__ import annotations

import pytest

from tests.unit.sherpa_models import HANZI
from voice.speaking.homophones import Homophones, readings


@pytest.fixture(scope="module")
def everyday() -> Homophones:
    return Homophones(HANZI)


def sounds(text: str) -> list[str]:
    return [readings(character)[0] for character in text]


def test_what_is_known_and_read_as_usual_stays(everyday: Homophones) -> None:
    text = "您好，现在方便接听吗？犹豫期从签收的次日起共十五天。"
    assert everyday.written(text) == text


def test_what_is_unknown_is_written_with_what_sounds_the_same(everyday: Homophones) -> None:
    text = "被保险人王喆堃，翀昶赟"
    written = everyday.written(text)
    assert set(written) <= {*HANZI, "，"}
    assert sounds(written) == sounds(text)
    assert written.startswith("被保险人王")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("还款", ["huan2", "kuan3"]),
        ("单女士", ["shan4", "nü3", "shi4"]),
        ("长相伴", ["chang2", "xiang1", "ban4"]),
    ],
)
def test_a_reviewed_reading_reaches_the_engine(
    everyday: Homophones, text: str, meant: list[str]
) -> None:
    written = everyday.written(text)
    found = [sound.replace("v", "ü") for sound in sounds(written)]
    assert found == meant
    assert all(len(readings(character)) == 1 for character in set(written) - set(text))


def test_a_tone_that_nobody_has_is_the_nearest(everyday: Homophones) -> None:
    one = Homophones("马")
    assert one.written("妈") == "马"


def test_what_cannot_be_said_is_refused_not_left_out() -> None:
    with pytest.raises(ValueError, match="cannot say") as failed:
        Homophones("马").written("马喆")
    assert "喆" not in str(failed.value)
