"""The clauses of a text, each read word by word: does it say yes, and is every word known?"""

from __future__ import annotations

from dataclasses import dataclass

from nlu.components import pinyin
from nlu.components.dictionary import pieced
from nlu.components.table import Row, Table
from nlu.components.utterance import Heard

# Kinds of words that are a yes in themselves, by what the question hopes for.
_CORES = {"+": {"agree", "good", "know", "did"}, "-": {"agree", "had"}}


@dataclass(frozen=True)
class Clause:
    core: bool  # holds a word that is a yes to what was asked
    beside: bool  # holds a word that is a yes, to something else
    unknown: int  # characters that are not in the vocabulary, or words read in pieces
    like_no: bool  # one of those sounds like 不 or 没


def word(text: str, at: int, rules: Table) -> tuple[int, str]:
    """The length and the kind of the longest known word there; 0 where there is none."""
    best, kind = 0, ""
    for name, words in rules.vocabulary.items():
        found = words.match(text, at)
        if found and found.end() - at > best:
            best, kind = found.end() - at, name
    return best, kind


def read(clause: str, heard: Heard, rules: Table) -> Clause:
    """One clause, read from left to right, the longest known word first."""
    at, core, beside, unknown, like_no = 0, False, False, 0, False
    cuts = [0]
    while at < len(clause):
        best, kind = word(clause, at, rules)
        if kind in _CORES[heard.question]:
            fits = heard.question == "-" or rules.answers_to.fits(clause, at, at + best, heard.asks)
            core, beside = core or fits, beside or not fits
        if not best:
            unknown += 1
            like_no = like_no or pinyin.like_no(clause[at])
        at += best or 1
        cuts.append(at)
    if not unknown and pieced(clause, cuts, rules.whole):
        unknown = 1
    return Clause(core, beside, unknown, like_no)


def clauses(text: str, heard: Heard, rules: Table) -> list[Clause]:
    return [read(clause, heard, rules) for clause in text.split("，") if clause]


def first(rows: tuple[Row, ...], text: str, heard: Heard) -> Row | None:
    return next(
        (r for r in rows if r.applies(heard.question, heard.phase) and r.matches(text)), None
    )
