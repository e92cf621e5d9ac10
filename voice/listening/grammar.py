"""A Vosk grammar of the phrases that make sense, each split into words the model knows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_LONGEST_WORD = 8  # characters


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a model can be asked to hear."""

    phrases: tuple[str, ...]  # words separated by blanks
    unknown: tuple[str, ...]  # phrases left out: they need a word outside the vocabulary

    @property
    def json(self) -> str:
        """The grammar as Vosk takes it. Unescaped: Kaldi would take \\u4e0d for the word."""
        return json.dumps(self.phrases, ensure_ascii=False)


def compile_grammar(phrases: Iterable[str], knows: Callable[[str], bool]) -> Grammar:
    """Split every phrase into the fewest words that `knows` is true of."""
    split = {phrase: words(phrase, knows) for phrase in phrases}
    return Grammar(
        phrases=tuple(" ".join(found) for found in split.values() if found),
        unknown=tuple(phrase for phrase, found in split.items() if not found),
    )


def words(phrase: str, knows: Callable[[str], bool]) -> tuple[str, ...]:
    """The fewest known words that make up the phrase; empty where there is no way. Blanks in the
    phrase are borders of words already."""
    if " " in phrase.strip():
        parts = [words(part, knows) for part in phrase.split()]
        return tuple(w for part in parts for w in part) if all(parts) else ()
    text = phrase.strip()
    best: list[tuple[str, ...] | None] = [()] + [None] * len(text)
    for end in range(1, len(text) + 1):
        for start in range(max(0, end - _LONGEST_WORD), end):
            before, word = best[start], text[start:end]
            shorter = best[end] is None or (
                before is not None and len(before) + 1 < len(best[end] or ())
            )
            if before is not None and shorter and knows(word):
                best[end] = (*before, word)
    return best[-1] or ()
