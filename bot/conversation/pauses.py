"""How much silence ends an answer, by what the question asks for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

from bot.answers.expectation import Expectation
from voice.listening.endpoint import Pauses
from voice.listening.whole import Wanted

USUAL, NUMBER = Pauses(600, 2500), Pauses(1800, 2500)  # people pause in numbers
ELDER_USUAL, ELDER_NUMBER = Pauses(900, 3500), Pauses(2200, 3500)

IDENTITY: Final = Wanted("identity")
PHASES: Final[Mapping[str, Wanted | None]] = {"identity_secret": IDENTITY, "callback_time": None}
"""Phases in which a number or a date is said, and which one; a time can end in too many ways."""


def after(phase: str, expects: Expectation | None, *, elder: bool) -> Pauses:
    """For the open question: `expects` where it is one of comprehension."""
    if expects is None and phase in PHASES:
        wanted = PHASES[phase]
    elif expects is not None and expects.kind != "choice":
        wanted = _wanted(expects)
    else:
        usual = ELDER_USUAL if elder else USUAL
        # After the last question comes the farewell: nobody is to be cut short there.
        return replace(usual, quick=False) if phase == "questions" else usual
    return replace(ELDER_NUMBER if elder else NUMBER, wanted=wanted)


def _wanted(expects: Expectation) -> Wanted:
    match expects.kind:
        case "amount":
            assert isinstance(expects.expected, Decimal)
            return Wanted("amount", cents=expects.expected % 1 != 0)
        case "date":
            return Wanted("month_day")
        case _:
            return Wanted("count", expects.units)
