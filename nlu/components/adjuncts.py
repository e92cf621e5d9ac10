"""Phrases that only tell where or with what something was done, so that they change no answer:
"在建设路支行", "拿放大镜". What may stand in them is any word of jieba's dictionary (MIT) of the
classes that rules.yml names, an open class; all around it, and what it must never be, is reviewed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST = 8  # characters of one filling: two words of the dictionary, or three
_JOINTS = frozenset("的那这")  # may stand between two words of a filling: 电视柜底下那抽屉


@dataclass(frozen=True)
class Frame:
    """One kind of phrase: words before, a filling from the dictionary, and what must follow."""

    before: re.Pattern[str]
    ends: re.Pattern[str]  # how the filling ends, or what stands behind it
    after: re.Pattern[str]

    def end(self, text: str, at: int, words: frozenset[str]) -> int:
        """Where a phrase of this kind that begins at `at` ends; 0 if there is none. The longest."""
        if not (opening := self.before.match(text, at)):
            return 0
        start = opening.end()
        for stop in range(min(start + _LONGEST, len(text)), start + 1, -1):
            filling = text[start:stop]
            if "，" in filling or not self.after.match(text, stop):
                continue
            if (tail := self.ends.search(filling)) and any(
                _covered(part, words) for part in (filling, filling[: tail.start()])
            ):
                return stop
        return 0


@dataclass(frozen=True)
class Adjuncts:
    """The frames, and the words that may fill them."""

    frames: tuple[Frame, ...]
    words: frozenset[str]

    def without(self, text: str) -> str:
        """`text` with these phrases crossed out."""
        at, left = 0, ""
        while at < len(text):
            end = max(frame.end(text, at, self.words) for frame in self.frames)
            left += "" if end else text[at]
            at = end or at + 1
        return left


def adjuncts(
    data: Mapping[str, Any],
    compiled: Callable[[str | list[str]], re.Pattern[str]],
    words: frozenset[str],
) -> Adjuncts:
    """From the section `adjuncts` of rules.yml and the words of its classes. Raises KeyError if it
    is not well formed."""
    never = compiled(data["never"])
    return Adjuncts(
        frames=tuple(
            Frame(*(compiled(row[part]) for part in ("before", "ends", "after")))
            for row in data["frames"]
        ),
        words=frozenset(word for word in words if not never.search(word)) | _plain(data["words"]),
    )


def _plain(lines: Iterable[str]) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split("|"))


def _covered(text: str, words: frozenset[str]) -> bool:
    """Whether `text` is nothing but words of the dictionary, each of two characters or more, and
    what joins two of them."""
    reached = {0}
    for end in range(2, len(text) + 1):
        joined = end - 1 in reached and text[end - 1] in _JOINTS and end < len(text)
        if joined or any(start in reached and text[start:end] in words for start in range(end - 1)):
            reached.add(end)
    return len(text) in reached and bool(text)
