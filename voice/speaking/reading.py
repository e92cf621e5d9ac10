"""How hanzi are read: words, each with a syllable a character, as the lexicon knows better.

A syllable is pinyin with the tone as a number, 5 for none. Slow to import (jieba, pypinyin): for
the speaking child, and for tests.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import jieba
from pypinyin import Style, lazy_pinyin

from voice.speaking.lexicon import APART, WORDS, overrides

_PART: Final = re.compile(r"[一-鿿]+|[^一-鿿]+")


@dataclass(frozen=True, slots=True)
class Word:
    """One word; punctuation has no syllables."""

    text: str
    syllables: tuple[str, ...]


def prepare(scratch: Path) -> None:
    """Have the dictionary kept in `scratch`; its default is the shared /tmp."""
    jieba.setLogLevel(logging.WARNING)
    jieba.dt.tmp_dir = str(scratch)


def read(text: str) -> list[Word]:
    """Normalised text (see `normalise`) word by word, punctuation as words of its own."""
    _learn()
    return list(_words(text))


@lru_cache(maxsize=1)
def _learn() -> None:
    for word in WORDS:
        jieba.add_word(word)


def _words(text: str) -> Iterator[Word]:
    known, at = overrides(text), 0
    for part in _PART.findall(text):
        if not "一" <= part[0] <= "鿿":
            yield Word(part, ())
            at += len(part)
            continue
        for word in jieba.lcut(part):
            usual = lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True)
            syllables = tuple(known.get(at + n, usual[n]) for n in range(len(word)))
            if word in APART:
                yield from (Word(*one) for one in zip(word, zip(syllables), strict=True))
            else:
                yield Word(word, syllables)
            at += len(word)
