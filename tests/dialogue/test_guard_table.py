"""Every example in rules.yml is decided by its own row: the table says what it does."""

from __future__ import annotations

import pytest

from bot.dialogue.protocol import MAX_TEXT
from nlu.components.judge import judge
from nlu.components.normalise import normalise
from nlu.components.table import Row, table
from nlu.components.utterance import ANSWERS, REQUESTS, Guess, Heard

RULES = table()
DECIDING = (*RULES.requests, *RULES.answers, *RULES.denials)
EXAMPLES = [(row, example) for row in DECIDING for example in row.examples]
NEUTRAL = [(row, example) for row in RULES.neutral for example in row.examples]
CONVINCED = {
    "affirm": Guess("affirm", 0.99, 0.99),
    "deny": Guess("deny", 0.99, 0.0),
}


def name(value: object) -> str:
    return value.id if isinstance(value, Row) else str(value)


def test_rows_have_their_own_id_a_meaning_and_a_known_effect() -> None:
    rows = (*DECIDING, *RULES.neutral)
    assert len({row.id for row in rows}) == len(rows)
    for row in rows:
        assert row.meaning
        assert row.examples or row.phase
    for row in DECIDING:
        assert row.effect in {*REQUESTS, *ANSWERS, "hedge", "inform"}


@pytest.mark.parametrize(("row", "example"), EXAMPLES, ids=name)
def test_an_example_is_decided_by_its_row(row: Row, example: str) -> None:
    guess = CONVINCED.get(row.effect, CONVINCED["affirm"])
    phase = row.phase[0] if row.phase else ""
    meaning = judge(Heard(example, "no" if row.question == "-" else "yes", phase=phase), guess)
    assert (meaning.intent, meaning.reason) == (row.effect, f"{row.id} {row.meaning}")


@pytest.mark.parametrize(("row", "example"), NEUTRAL, ids=name)
def test_a_neutral_phrase_is_crossed_out_and_leaves_the_answer(row: Row, example: str) -> None:
    text = RULES.respelt(normalise(example, MAX_TEXT))
    assert row.matches(text)
    assert RULES.essence(text, row.question or "+") != text
    heard = Heard(example, "no" if row.question == "-" else "yes")
    answers = {judge(heard, guess).answer for guess in CONVINCED.values()}
    assert answers & ({"yes"} if row.question != "-" else {"yes", "no"})


def test_a_misspelling_never_turns_into_a_word_of_the_opposite_meaning() -> None:
    negating = set("不没未")
    for wrong, right in RULES.spellings.items():
        if wrong != right and not negating & set(right):
            assert not negating & set(wrong), wrong
