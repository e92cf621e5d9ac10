"""How much silence ends an answer, by what is asked."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from bot.answers import expectation
from bot.answers.expectation import Expectation
from bot.conversation import pauses
from voice.listening.whole import Wanted

CHOICE = expectation.choice(("一样多", "可能少"), (("一样多",), ("可能少",)), 1)


@pytest.mark.parametrize(
    ("phase", "expects", "wanted"),
    [
        ("items", expectation.number(15, ("天", "日"), "1"), Wanted("count", ("天", "日"))),
        ("items", expectation.amount(Decimal("12000"), "1"), Wanted("amount")),
        ("items", expectation.amount(Decimal("35.80"), "1"), Wanted("amount", cents=True)),
        ("items", expectation.day(date(2026, 11, 10), "1"), Wanted("month_day")),
        ("identity_secret", None, Wanted("identity")),
        ("callback_time", None, None),
    ],
)
def test_where_a_number_is_asked_it_waits_for_the_whole(
    phase: str, expects: Expectation | None, wanted: Wanted | None
) -> None:
    for elder in (False, True):
        found = pauses.after(phase, expects, elder=elder)
        assert found.wanted == wanted
        assert found.hangover_ms >= 1800
        assert found.quick


@pytest.mark.parametrize("expects", [None, CHOICE])
def test_other_questions_wait_for_no_number(expects: Expectation | None) -> None:
    found = pauses.after("items", expects, elder=False)
    assert found == pauses.USUAL
    assert pauses.after("items", expects, elder=True).hangover_ms > found.hangover_ms


def test_nobody_is_cut_short_before_the_farewell() -> None:
    assert not pauses.after("questions", None, elder=False).quick
