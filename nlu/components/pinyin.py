"""How words sound: enough to repair a mis-spelt word, never enough to decide an answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from pypinyin import Style, lazy_pinyin

# Confusions of southern and north-eastern speech, and of recognisers: zh/z ch/c sh/s, n/l, -ng/-n.
_INITIALS = {"zh": "z", "ch": "c", "sh": "s", "l": "n", "r": "n"}
# A syllable that says no must never be spoken over by a repair.
_NEGATORS = frozenset("不没未无非别冇唔勿莫甭")

# The sounds of 不, 没 and 未.
_NO_SOUNDS = frozenset({("b", "u"), ("m", "ei"), ("w", "ei")})

Sound = tuple[str, str]  # folded initial, folded final; toneless


def _fold(initial: str, final: str) -> Sound:
    return _INITIALS.get(initial, initial), re.sub("ng$", "n", final)


@lru_cache(maxsize=4096)
def sounds(text: str) -> tuple[Sound, ...]:
    """One folded sound for each character of `text` (other characters stand for themselves)."""
    result: list[Sound] = []
    for char in text:
        initial = lazy_pinyin(char, style=Style.INITIALS, strict=False)[0]
        whole = lazy_pinyin(char, style=Style.NORMAL)[0]
        result.append(_fold(initial, whole[len(initial) :] if whole != initial else whole))
    return tuple(result)


def contains(text: str, phrases: Iterable[str]) -> str | None:
    """The first of `phrases` that sounds like some part of `text`, syllable by syllable."""
    heard = sounds(text)
    for phrase in phrases:
        wanted = sounds(phrase)
        span = len(wanted)
        if any(heard[i : i + span] == wanted for i in range(len(heard) - span + 1)):
            return phrase
    return None


def nearly(text: str, phrases: Iterable[str]) -> str | None:
    """The first of `phrases` that sounds like some part of `text` but for one syllable, which
    shares its beginning or its end ("展人共" is 转人工)."""
    heard = sounds(text)
    for phrase in phrases:
        wanted, span = sounds(phrase), len(phrase)
        if any(_near(heard[i : i + span], wanted) for i in range(len(heard) - span + 1)):
            return phrase
    return None


def like_no(char: str) -> bool:
    """Whether a character sounds like 不, 没 or 未 and so may stand for one."""
    return sounds(char)[0] in _NO_SOUNDS


def _near(heard: tuple[Sound, ...], wanted: tuple[Sound, ...]) -> bool:
    """All syllables alike but one, and that one shares its beginning or its end."""
    odd = [(a, b) for a, b in zip(heard, wanted, strict=True) if a != b]
    return not odd or (len(odd) == 1 and any(x == y for x, y in zip(*odd[0], strict=True)))


def repair(text: str, words: Iterable[str]) -> str:
    """`text` with every stretch that sounds nearly like one of `words` respelt as that word.

    A stretch that holds a negation is left alone, so 不X can never be repaired into X.
    """
    for word in words:
        wanted, span = sounds(word), len(word)
        at = 0
        while at + span <= len(text):
            piece = text[at : at + span]
            if piece != word and not _NEGATORS & set(piece) and _near(sounds(piece), wanted):
                text = text[:at] + word + text[at + span :]
                at += span
            else:
                at += 1
    return text
