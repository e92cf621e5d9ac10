"""Which question a word of yes answers: 收到了 is no yes to "您清楚吗", 清楚 none to "是您签的吗".
The reviewed words are in rules.yml, section `answers_to`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from bot.dialogue.protocol import Asks


@dataclass(frozen=True)
class AnswersTo:
    """The words of yes by what they are a yes to."""

    any: re.Pattern[str]  # how a word begins that is a yes to every question
    to: Mapping[str, re.Pattern[str]]  # what is asked for → something in a word that answers it

    def fits(self, text: str, start: int, end: int, asks: Iterable[str]) -> bool:
        """Whether the word of yes at `start` to `end` answers one of `asks`; if it is not known
        what was asked, each does. Patterns may look at what stands around the word."""
        wanted = tuple(asks)
        if not wanted or self.any.match(text, start):
            return True
        found = (self.to[ask].search(text, start) for ask in wanted if ask in self.to)
        return any(match is not None and match.start() < end for match in found)


def answers_to(
    data: Mapping[str, Any], compiled: Callable[[str | list[str]], re.Pattern[str]]
) -> AnswersTo:
    """From the section `answers_to` of rules.yml. Raises ValueError where it does not hold every
    kind of question, and no other."""
    if missing := {"any", *get_args(Asks)} ^ data.keys():
        raise ValueError(f"rules.yml: answers_to: {', '.join(sorted(missing))}")
    to = {ask: compiled(words) for ask, words in data.items() if ask != "any"}
    return AnswersTo(any=compiled(data["any"]), to=to)
