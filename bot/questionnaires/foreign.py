"""What typed words of another language stand for, in the words of the Mandarin page. Pure.

The dialogue understands Mandarin and nothing else. So a language brings a small table that a native
speaker has reviewed: a whole message that stands in it is what the Mandarin page's button or word
would be, a message of numbers, dates or times is that number; anything else is no words at all, and
is asked again. There is no nearness and no guessing, so that a yes is never found where none was
written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from voice.listening.closed_set import ClosedSet

MEANINGS = frozenset({
    "是", "不是", "再说一遍", "转人工", "这是什么意思", "不知道", "等一下", "我现在没空", "打错了",
    "我要投诉", "我要退保",
})  # fmt: skip
"""What a message may stand for. Each is tested on the dialogue in every phase."""

_END = re.compile(r"[\s.!。！~…]+$")  # a question mark is no part of an answer
_NUMBER = r"(\d+(?:\.\d+)?)"
_APART = re.compile(r"[\d\s.,/\-]")


@dataclass(frozen=True, slots=True)
class Written:
    """How fixed Mandarin expressions of a policy are written: `{}` stands for a number."""

    forms: tuple[tuple[re.Pattern[str], str], ...]

    @classmethod
    def of(cls, table: Mapping[str, str]) -> Written:
        """Raises ValueError where the two sides have not the same number of `{}`."""
        for mandarin, other in table.items():
            if mandarin.count("{}") != other.count("{}"):
                raise ValueError(f"written: {mandarin}: as many {{}} on both sides")
        return cls(
            tuple(
                (re.compile(re.escape(mandarin).replace(r"\{\}", _NUMBER)), other)
                for mandarin, other in table.items()
            )
        )

    def __call__(self, text: str) -> str:
        """The expression in the language, anything else as it is."""
        for pattern, other in self.forms:
            if found := pattern.fullmatch(text):
                return other.format(*found.groups())
        return text


@dataclass(frozen=True)
class Foreign:
    """The language of one policyholder's page."""

    language: str  # ISO 639-1
    letters: str  # what its texts can be told by: the inside of a regex class
    buttons: Mapping[str, str]  # yes, no, repeat, human → what stands on them
    means: Mapping[str, str]  # message without spaces → one of MEANINGS
    human: tuple[str, ...]  # wherever one of these stands, a human is wanted
    values: Mapping[str, str]  # words inside numbers, dates and times
    written: Written
    page: Mapping[str, str] = field(repr=False)  # the page's Mandarin words → the language's

    def read(self, message: str, open_question: ClosedSet | None = None) -> str:
        """What `message` stands for; "" where that is not known. A message without the language's
        letters (digits, Mandarin) stands for itself, and so does an answer that the open question
        names."""
        said = unicodedata.normalize("NFKC", message)
        if not self.writes(said):
            return message
        whole = re.sub(r"\s+", "", _END.sub("", said))
        if found := self.means.get(whole):
            return found
        if any(word in whole for word in self.human):
            return "转人工"
        if open_question and whole in (*open_question.yes, *open_question.no):
            return whole
        return self._value(_END.sub("", said))

    def _value(self, said: str) -> str:
        read = self._words.sub(lambda word: self.values[word[0]], said)
        rest = self._words.sub("", said)
        return "" if _APART.sub("", rest) else re.sub(r"\s+", "", read)

    def writes(self, text: str) -> bool:
        """Whether there is anything of this language in `text`."""
        return self._letters.search(text) is not None

    @cached_property
    def _letters(self) -> re.Pattern[str]:
        return re.compile(f"[{self.letters}]")

    @cached_property
    def _words(self) -> re.Pattern[str]:
        longest_first = sorted(self.values, key=lambda word: -len(word))
        return re.compile("|".join(map(re.escape, longest_first)))
