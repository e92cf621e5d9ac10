from __future__ import annotations

from bot.conversation.noises import Noises


def test_a_sound_that_may_have_been_an_answer_is_asked_about_once_a_question() -> None:
    noises = Noises()
    assert noises.heard(480, "B1") == "soon"
    noises.words()
    assert noises.heard(480, "B1") == "patience"
    noises.words()
    assert noises.heard(480, "B2") == "soon"


def test_a_click_is_not_and_neither_is_any_sound_where_no_word_is_wanted() -> None:
    noises = Noises()
    assert noises.heard(100, "B1") == "patience"
    assert noises.heard(480, "") == "patience"


def test_a_noise_that_goes_on_is_as_if_nobody_spoke() -> None:
    noises = Noises()
    assert [noises.heard(300, "B1") for _ in range(4)] == [
        "soon",
        "patience",
        "silence",
        "patience",
    ]
    assert noises.heard(9000, "B2") == "silence"
