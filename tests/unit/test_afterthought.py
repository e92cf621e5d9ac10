"""What is said right after an answer: which of it counts, and that no yes comes from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.answers import expectation
from bot.answers.proof import Heard, Held
from bot.conversation.acting import Question
from bot.conversation.afterthought import TERM_WINDOW_MS, WINDOW_MS, Settled, says_nothing, settled
from bot.dialogue.protocol import Answer, Ask, Meaning, Moved, Record, Say
from bot.evidence.ledger import Draft
from bot.questionnaires.questionnaire import Clause
from voice.frames import Utterance


def utterance(text: str, start_ms: int, end_ms: int, **scores: float) -> Utterance:
    return Utterance(text, "voice", 0.9, start_ms, end_ms, scores=scores)


def question(expect: Answer = "yes") -> Question:
    clause = Clause(
        "B5", "…", "…", "…", None, "D", "no" if expect == "no" else "yes", "P06", False, 5.0,
        True, (), "0",
    )  # fmt: skip
    return Question(clause, "full", "…", ("B5.1",), 7)


def moved(answer: Answer, *, request: str | None = None, item: str | None = "B5") -> Moved:
    acts = (Record(item, answer), Say("A_ok")) if item and answer != "unclear" else (Say("R"),)
    return Moved(acts, {"after": 1}, Meaning("x", 0.9, answer, request))


YES = utterance("是的", 1000, 1400, yes_no=30.0, yes_other=20.0, urgent=0.1)
BEFORE = {"before": 1}


def given(answer: Answer = "yes", expect: Answer = "yes") -> Settled:
    found = settled(YES, moved(answer), BEFORE, question(expect))
    assert found is not None
    return found


def test_only_a_spoken_yes_or_no_to_a_question_can_be_added_to() -> None:
    assert given().item == "B5"
    opening = settled(YES, moved("yes", item=None), BEFORE, question())
    assert opening is not None and opening.item is None
    assert settled(YES, moved("yes"), BEFORE, None) is None
    assert settled(YES, moved("unclear"), BEFORE, question()) is None
    assert settled(YES, moved("yes", request="human"), BEFORE, question()) is None
    assert settled(replace(YES, via="text"), moved("yes"), BEFORE, question()) is None


@pytest.mark.parametrize("item", ["B5", None])
def test_it_belongs_there_only_if_it_comes_soon(item: str | None) -> None:
    answer = replace(given(), item=item)
    window = TERM_WINDOW_MS if item else WINDOW_MS
    assert answer.covers(utterance("不对", 1400 + window, 9999))
    assert not answer.covers(utterance("不对", 1401 + window, 9999))


def test_both_are_weighed_as_one_on_the_state_of_before_with_the_weaker_sound() -> None:
    turn = given().turn(utterance("不对", 1900, 2300, yes_no=0.1, urgent=0.4))
    assert (turn.text, turn.state, turn.via) == ("是的，不对", BEFORE, "voice")
    assert turn.scores == {"yes_no": 0.1, "yes_other": 20.0, "urgent": 0.4}


def test_what_a_second_reader_spells_of_both_is_weighed_and_the_known_answers_of_neither() -> None:
    first = settled(
        replace(YES, sounds="shi de", spelt="是的", nearest="是的"),
        moved("yes"),
        BEFORE,
        question(),
    )
    assert first is not None
    more = replace(
        utterance("转任", 1900, 2300), sounds="zhuan ren gong", nearest="转人工", spelt="转人工"
    )
    turn = first.turn(more)
    assert (turn.sounds, turn.nearest, turn.spelt) == ("shi de zhuan ren gong", "", "")


def test_more_of_the_same_becomes_a_part_of_the_answer() -> None:
    longer = given().with_more(utterance("我清楚了", 1900, 2500))
    assert longer.covers(utterance("不对", 2500 + TERM_WINDOW_MS, 9999))
    assert longer.turn(utterance("不对", 3000, 3200)).text == "是的，我清楚了，不对"


def test_a_doubt_withdraws_the_yes_before_anything_else() -> None:
    again = given().reopened(moved("unclear"))
    withdrawn = again.acts[0]
    assert isinstance(withdrawn, Record)
    assert (withdrawn.item, withdrawn.answer) == ("B5", "unclear")
    assert again.acts[1:] == moved("unclear").acts


def test_a_no_is_taken_and_a_yes_is_asked_for_again() -> None:
    assert given("yes").reopened(moved("no")) == moved("no")
    again = given("no").reopened(moved("yes"))
    assert [type(act) for act in again.acts] == [Record, Say, Ask]
    assert again.acts[0] == given().reopened(moved("unclear")).acts[0]
    assert again.state == BEFORE
    assert given("no", expect="no").reopened(moved("yes")) == moved("yes")


def test_what_was_not_understood_takes_the_answer_back_too() -> None:
    again = given().unheard("B5")
    assert [type(act) for act in again.acts] == [Record, Say, Ask]
    assert again.state == BEFORE


def test_a_question_of_the_opening_goes_where_the_whole_leads() -> None:
    opening = replace(given(), item=None)
    busy = moved("no", item=None)
    assert opening.reopened(busy) == busy


@pytest.mark.parametrize("text", ["嗯", "嗯，嗯。", "啊", "哦……"])
def test_a_grunt_is_nothing(text: str) -> None:
    assert says_nothing(utterance(text, 0, 1))


def test_words_are_something_and_so_is_a_sound_as_long_as_words() -> None:
    assert says_nothing(utterance("", 0, 299))
    assert not says_nothing(utterance("", 0, 300))
    assert not says_nothing(utterance("嗯不对", 0, 1))


YEARS = expectation.number(10, ("年",), "a policy")
HELD = Held("B8", 3, Heard(Draft("heard", {}), 4), "table")
TEN = utterance("十年", 1000, 1600, snr_db=40.0)


def proven() -> Settled:
    clause = replace(question().clause, id="B8q", checks="B8", expects=YEARS, expect=None)
    asked = Question(clause, "full", "…", ("B8q.1",), 9)
    counted = moved("unclear", item=None)
    assert settled(TEN, counted, BEFORE, asked) is None, "a wrong answer settles nothing"
    found = settled(TEN, counted, BEFORE, asked, HELD)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("more", "stands"),
    [
        ("对，十年", True),
        ("嗯，我知道了", True),
        ("不对，十五年", False),
        ("错了，是五年", False),
        ("大概吧", False),
        ("还是二十年来着", False),
        ("记不清了", False),
    ],
)
def test_a_right_number_stands_only_if_the_whole_states_it(more: str, stands: bool) -> None:
    said = utterance(more, 1900, 2500, yes_no=0.1, snr_db=40.0)
    assert proven().stands(moved("unclear", item=None), said) is stands


def test_a_right_number_is_taken_back_and_its_question_asked_again() -> None:
    settled = proven()
    assert settled.item == "B8"
    back = settled.unproven()
    assert back.state == BEFORE
    assert [type(act) for act in back.acts] == [Record]
    unheard = settled.unheard("B8")
    assert unheard.acts[1:] == (Say("R_unclear"), Ask("B8q", "plain"))
