"""How words sound: enough to repair a mis-spelt word, never enough to decide an answer."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from math import inf

from pypinyin import Style, lazy_pinyin

from nlu.components.distance import distance

# Confusions of southern and north-eastern speech, and of recognisers: zh/z ch/c sh/s, n/l, -ng/-n.
_INITIALS = {"zh": "z", "ch": "c", "sh": "s", "l": "n", "r": "n"}
# A syllable that says no must never be spoken over by a repair.
_NEGATORS = frozenset("不没未无非别冇唔勿莫甭")

# The sounds of 不, 没 (莫), 未 and 勿 (无).
_NO_SOUNDS = frozenset({("b", "u"), ("m", "ei"), ("m", "o"), ("w", "ei"), ("w", "u")})

# 成功, 总共, 公共: what a text like 人工 may be instead.
_NO_PERSON = frozenset({("c", "en"), ("z", "on"), ("g", "on")})

Sound = tuple[str, str]  # folded initial, folded final; toneless


def _fold(initial: str, final: str) -> Sound:
    return _INITIALS.get(initial, initial), re.sub("ng$", "n", final)


@lru_cache(maxsize=4096)
def sounds(text: str) -> tuple[Sound, ...]:
    """One folded sound for each character of `text` (other characters stand for themselves)."""
    return tuple(sound for char in text for sound in _sounds(char))


@lru_cache(maxsize=4096)
def _readings(text: str) -> tuple[tuple[Sound, ...], ...]:
    """How words sound: each character as it is read alone, and as it is read in its word (了解 is
    liao jie). Neither is right always: 没收到 has 没收 in it, mo shou."""
    return sounds(text), _sounds(text)


def _sounds(text: str) -> tuple[Sound, ...]:
    initials = lazy_pinyin(text, style=Style.INITIALS, strict=False)
    wholes = lazy_pinyin(text, style=Style.NORMAL)
    return tuple(
        _fold(initial, whole[len(initial) :] if whole != initial else whole)
        for initial, whole in zip(initials, wholes, strict=True)
    )


_SYLLABLE = re.compile("([zcs]h|[bpmfdtnlgkhjqxrzcsyw])?([a-z]*)")


def spelt(spelling: str) -> tuple[Sound, ...]:
    """The folded sound of each syllable of pinyin without tones ("qing chu le")."""
    parts = (_SYLLABLE.fullmatch(syllable) for syllable in spelling.split())
    return tuple(_fold(part[1] or "", part[2]) for part in parts if part)


def says(spelling: str, text: str) -> bool:
    """Whether pinyin without tones ("qing chu le") is how `text` sounds, no initial and no final
    put in, left out or taken for another."""
    return apart(spelling, text) == 0


def apart(spelling: str, text: str) -> int:
    """How many initials and finals must be put in, left out or changed to make of pinyin without
    tones what `text` sounds like."""
    heard = _parts(spelt(spelling))
    return min(distance(heard, _parts(reading)) for reading in _readings(text))


def _parts(syllables: Iterable[Sound]) -> list[str]:
    return [part for sound in syllables for part in sound if part]


def begins(heard: tuple[Sound, ...], text: str) -> bool:
    """Whether what was heard, a syllable or more, is how `text` begins."""
    if not heard or not all(heard[-1]):
        return False
    return any(reading[: len(heard)] == heard for reading in _readings(text))


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
    """Whether a character sounds like 不, 没, 未 or 勿 and so may stand for one."""
    return sounds(char)[0] in _NO_SOUNDS


def _near(heard: tuple[Sound, ...], wanted: tuple[Sound, ...]) -> bool:
    """All syllables alike but one, and that one shares its beginning or its end."""
    odd = [(a, b) for a, b in zip(heard, wanted, strict=True) if a != b]
    return not odd or (len(odd) == 1 and any(x == y for x, y in zip(*odd[0], strict=True)))


def asks_for_human(text: str) -> bool:
    """Whether some part sounds like 人工 (员工, 研工, 勇功): the word that must not be missed, with
    the sound before 工 taken for 人 if it begins with r, n, l or y and ends in a nasal, or ends in
    one and is all that stands before it in so short a text (天公)."""
    heard = sounds(text)
    if any(
        second == ("g", "on") and first[0] in ("n", "y") and first[1].endswith("n")
        for first, second in itertools.pairwise(heard)
    ):
        return True
    alone = len(heard) in (2, 3) and heard[1] == ("g", "on") and heard[0][1].endswith("n")
    return alone and heard[0] not in _NO_PERSON and heard[2:] != (("s", "i"),)


class Lexicon:
    """Words to read a mis-spelt text by: single ones stand for their homophones, longer ones for
    whatever differs in half a syllable."""

    def __init__(self, words: Iterable[str], preferred: Iterable[str] = ()) -> None:
        """`preferred` are read rather than others where both would do."""
        self._preferred = frozenset(preferred)
        self._single: dict[Sound, str] = {}
        self._by_sound: dict[tuple[int, int, Sound], list[str]] = {}
        for word in sorted({*words, *self._preferred}):
            spelt = sounds(word)
            if _NEGATORS & set(word):
                continue
            if len(word) == 1:
                self._single.setdefault(spelt[0], word)
            for at in (0, 1) if len(word) > 1 else ():
                # One syllable of any two is right, or the word is not near.
                self._by_sound.setdefault((len(word), at, spelt[at]), []).append(word)
        self._longest = max((length for length, _, _ in self._by_sound), default=1)

    def near(self, piece: str) -> str | None:
        """The word that `piece` sounds nearly like, the same sound preferred. None where it holds
        a negation or what sounds like one."""
        if any(c in _NEGATORS or like_no(c) for c in piece):
            return None
        heard = sounds(piece)
        if len(piece) == 1:
            return self._single.get(heard[0])
        found = [
            word
            for at in (0, 1)
            for word in self._by_sound.get((len(piece), at, heard[at]), ())
            if _near(heard, sounds(word))
        ]
        return min(found, key=lambda word: self._cost(word, heard), default=None)

    def _cost(self, word: str, heard: tuple[Sound, ...]) -> float:
        """Of reading this word there: more for each doubt, less than an unknown character."""
        return (0.4 if sounds(word) == heard else 1.0) - (0.2 if word in self._preferred else 0.0)

    def read(self, text: str, known: Callable[[str, int], int]) -> str:
        """`text` with as few characters as possible left that are in no known word. `known` says
        how many characters from a place on are words as they stand."""
        best: list[tuple[float, str]] = [(0.0, "")] + [(inf, "")] * len(text)
        for at in range(len(text)):
            cost, sofar = best[at]
            ways = [(at + 1, 3.0, text[at])]
            if (length := known(text, at)) > 0:
                ways.append((at + length, 0.0, text[at : at + length]))
            for end in range(at + 1, min(at + self._longest, len(text)) + 1):
                if word := self.near(text[at:end]):
                    ways.append((end, self._cost(word, sounds(text[at:end])), word))
            for end, more, piece in ways:
                if cost + more < best[end][0]:
                    best[end] = (cost + more, sofar + piece)
        return best[-1][1]

    def touches(self, text: str, anywhere: bool, changed: frozenset[int]) -> str | None:
        """A word that some part of `text` sounds nearly like. Not `anywhere`: only where a place of
        that part is among the `changed`, or the part sounds quite like it and is written
        otherwise."""
        for at in range(len(text)):
            for end in range(at + 2, min(at + self._longest, len(text)) + 1):
                piece = text[at:end]
                word = self.near(piece)
                if word is None:
                    continue
                alike = piece != word and sounds(piece) == sounds(word)
                if anywhere or alike or changed.intersection(range(at, end)):
                    return word
        return None
