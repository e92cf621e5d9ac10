"""Sounds without words: a cough, a door, or an answer that the recogniser could not read. Pure.

A bare 是 is lost more often than any other answer, and no figure of the recogniser tells it from
a cough. So the caller is asked again soon, once a question; after that a noise is patience's, until
it goes on for so long that it is as if nobody spoke.
"""

from __future__ import annotations

from typing import Literal

SOON_S = 1.2  # of silence after such a sound, until we ask again
ANSWER_MS = 200  # the shortest sound that may have been an answer
MOST, LONGEST_MS = 3, 8000  # in number and length, until we take it for silence

Reaction = Literal["patience", "soon", "silence"]


class Noises:
    """Of one conversation, since the last word."""

    def __init__(self) -> None:
        self._lengths: list[int] = []
        self._asked_soon = ""  # the question last asked again for a sound

    def words(self) -> None:
        """Somebody spoke."""
        self._lengths.clear()

    def heard(self, ms: int, question: str) -> Reaction:
        """What to do about such a sound of `ms`; `question`: what is open and could have been
        answered with a word, or nothing."""
        self._lengths.append(ms)
        if len(self._lengths) >= MOST or sum(self._lengths) >= LONGEST_MS:
            self._lengths.clear()
            return "silence"
        if not question or ms < ANSWER_MS or question == self._asked_soon:
            return "patience"
        self._asked_soon = question
        return "soon"
