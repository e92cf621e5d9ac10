"""jieba's dictionary (MIT) as data: 350,000 Chinese words with their part of speech."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

LONGEST = 5  # characters; longer entries are sayings


def words_of(*groups: frozenset[str]) -> list[frozenset[str]]:
    """For each group of classes (jieba's names for parts of speech) the words of two to five
    characters that the dictionary puts into one of them. Takes a third of a second."""
    found: list[set[str]] = [set() for _ in groups]
    with files("jieba").joinpath("dict.txt").open(encoding="utf-8") as lines:
        for line in lines:
            word, _, kind = line.split()
            if 2 <= len(word) <= LONGEST:
                for words, classes in zip(found, groups, strict=True):
                    if kind in classes:
                        words.add(word)
    return [frozenset(words) for words in found]


def pieced(text: str, cuts: Sequence[int], words: frozenset[str]) -> bool:
    """Whether `text`, cut at `cuts` (its ends among them), cuts one of `words` into pieces, one of
    them a single character: 退 and 款 are known words, 退款 is another."""
    for first, start in enumerate(cuts):
        single = False
        for after in range(first + 1, len(cuts)):
            end = cuts[after]
            if end - start > LONGEST:
                break
            single = single or end - cuts[after - 1] == 1
            if single and after > first + 1 and text[start:end] in words:
                return True
    return False
