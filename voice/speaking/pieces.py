"""Cut a text that is too long for an engine, where a speaker would breathe."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

SENTENCE_END: Final = "。？！；"
_BREAK: Final = re.compile(r"(?<=[。？！；，、：])(?=[^。？！；，、：])")


def pieces(text: str, fits: Callable[[str], bool]) -> Iterator[str]:
    """`text` in pieces that fit, in order, nothing lost: halved near its middle as often as needed.

    Cut after the sentence nearest the middle, else after the nearest clause, else in the middle.
    A single character is never cut.
    """
    if len(text) < 2 or fits(text):
        yield text
        return
    at = _cut(text)
    yield from pieces(text[:at], fits)
    yield from pieces(text[at:], fits)


def _cut(text: str) -> int:
    breaks = [found.start() for found in _BREAK.finditer(text)]
    sentences = [at for at in breaks if text[at - 1] in SENTENCE_END]
    candidates = sentences or breaks or [len(text) // 2]
    return min(candidates, key=lambda at: abs(at - len(text) / 2))
