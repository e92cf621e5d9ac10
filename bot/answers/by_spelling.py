"""What a second reader spelt, as the answer to a comprehension question. Pure.

Of a short answer the recogniser often writes other words (比交的少 as 比丘的手), which state
nothing. The reader that spells the same sound knows no words; what it spelt counts where it is one
of the expected answers, and the scores of the known answers say so as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

from pypinyin import lazy_pinyin

from bot.answers import confusable
from bot.answers.expectation import Expectation, Said, Value

FOR_IT = 2.5  # the known answers: the option that was spelt against the other …
BRIEF = 4.0  # … and, where it has two syllables, against all that is no option
UNDENIED = 6.0  # nats by which it explains the sound better than its denial
NUMBER = 3.0  # the known answers: the contract's number against those that sound like it

_ASKS = re.compile(r"还是|[吗吧么?？][。！!]?$")
_DENIES = re.compile(r"[不没未别]")


def spelt(expectation: Expectation, said: Said) -> Value | None:
    """The option or the number that was spelt, whatever was written; None where it is not sure, or
    where the text asks or denies."""
    if said.via != "voice" or len(said.spelt) < 2 or _ASKS.search(said.text):
        return None
    if _DENIES.search(said.text) and not _DENIES.search(said.spelt):
        return None
    match expectation.expected:
        case Decimal() if expectation.kind == "number":
            return _number(expectation, said)
        case int():
            return _option(expectation, said)
        case _:
            return None


def favoured(said: Said) -> bool:
    """Whether the known answers are for the right one by far, whatever was written."""
    scores = said.scores
    for_it = min(scores.get("yes_no", 0.0), scores.get("yes_other", 0.0))
    return for_it >= NUMBER and scores.get("known", 0.0) >= 1


def _number(expectation: Expectation, said: Said) -> Value | None:
    assert isinstance(expectation.expected, Decimal)
    forms = confusable.ways(int(expectation.expected), expectation.units[0])
    return expectation.expected if _sounds_like(said.spelt, forms) and favoured(said) else None


def _option(expectation: Expectation, said: Said) -> int | None:
    places = (n for n in (0, 1) if _sounds_like(said.spelt, expectation.said(n)))
    place = next(places, None)
    right, scores = place == expectation.right, said.scores
    ratio = scores.get("yes_no", 0.0)
    other = scores.get("yes_other" if right else "no_other", 0.0)
    if place is None or not (ratio >= FOR_IT if right else 0 < ratio <= 1 / FOR_IT):
        return None
    if other < (FOR_IT if len(said.spelt) > 2 else BRIEF):
        return None
    undenied = scores.get("spelt_undenied", scores.get("undenied", 0.0))
    return place if undenied >= UNDENIED else None


def respell(text: str, ways: Iterable[str]) -> str:
    """`text` with each stretch that sounds like one of `ways`, tones apart, written that way."""
    sounds = [sound(character) for character in text]
    for way in sorted(ways, key=len, reverse=True):
        wanted = [sound(character) for character in way]
        for at in range(len(text) - len(way) + 1):
            if len(way) > 1 and sounds[at : at + len(way)] == wanted:
                text = text[:at] + way + text[at + len(way) :]
    return text


def _sounds_like(text: str, ways: Iterable[str]) -> bool:
    heard = [sound(character) for character in text]
    return any(heard == [sound(character) for character in way] for way in ways)


@lru_cache(maxsize=4096)
def sound(character: str) -> str:
    return str(lazy_pinyin(character)[0])
