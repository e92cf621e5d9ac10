"""Loads rules.yml, the reviewed table of how an answer is understood, into frozen rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from nlu.components import pinyin
from nlu.components.adjuncts import Adjuncts, adjuncts
from nlu.components.asked import AnswersTo, answers_to
from nlu.components.dictionary import words_of

FILE = Path(__file__).parent / "rules.yml"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    id: str
    meaning: str  # Chinese, goes into the record as the reason
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None = None
    effect: str = ""  # intent
    question: str = ""  # "+" or "-"; empty for both
    phase: tuple[str, ...] = ()  # empty for all
    needs: str = ""  # neutral rows: "know" or "answer" must be left elsewhere
    becomes: str = ""  # neutral rows: what replaces the phrase
    examples: tuple[str, ...] = ()

    def applies(self, question: str, phase: str) -> bool:
        return self.question in ("", question) and (not self.phase or phase in self.phase)

    def matches(self, text: str) -> bool:
        return bool(self.pattern.search(text)) and not (self.unless and self.unless.search(text))


@dataclass(frozen=True)
class Agreement:
    """Thresholds of the voices that must agree; see rules.yml."""

    classifier: float
    classifier_loose: float
    voice_confidence: float
    yes_no: float
    yes_other: float
    urgent: float
    repaired_yes_no: float
    lost_no: float
    lost_no_sure: float
    said_no: float
    said_no_told: float
    repaired_short: int
    sure_ratio: float
    sure_confidence: float
    alone_ratio: float
    told_ratio: float
    told_confidence: float
    lost_no_told: float
    alike: float
    noisy_db: float
    noisy_yes_no: float
    noisy_short: int
    deny: float
    other: float
    spelt: float
    spelt_other: float
    spelt_sure: float
    undenied: float
    undenied_self: float
    undenied_unspelt: float
    written: float
    written_long: float
    written_told: float
    written_told_from: int
    quiet_db: float
    request: float
    request_over_hedge: float


@dataclass(frozen=True)
class Table:
    """The whole table, compiled."""

    agreement: Agreement
    respell: re.Pattern[str]
    spellings: Mapping[str, str]
    keys: Mapping[str, str]
    requests: tuple[Row, ...]
    neutral: tuple[Row, ...]
    answers: tuple[Row, ...]
    denials: tuple[Row, ...]
    negators: re.Pattern[str]
    claims: re.Pattern[str]
    no_claims: re.Pattern[str]  # in the same clause: no claim after all
    know: re.Pattern[str]
    same_sound: re.Pattern[str]  # spoken, only the sound can tell it from a no
    like_a_question: re.Pattern[str]  # spoken, nothing can tell it from an echo question
    topic: re.Pattern[str]  # where a clause may be cut: before 我知道, after its topic
    adjuncts: Adjuncts  # phrases that only tell where or with what, crossed out of a yes
    whole: frozenset[str]  # words that may not be read in pieces
    vocabulary: Mapping[str, re.Pattern[str]]
    """The words a yes may consist of, by kind: agree, good, know, did, had, me, other,
    written (what a sound is never read as), number."""
    answers_to: AnswersTo  # which question a word of yes answers
    repairs: pinyin.Lexicon  # what a mis-heard text may be read as
    feared: pinyin.Lexicon  # what it may be instead, so that it is no yes
    unmistakable: re.Pattern[str]  # never another spelling of a feared word (看完了, 忘了)
    doubted: pinyin.Lexicon  # the same, of words too much like others to be feared everywhere

    def fears(self, text: str, read: str) -> str | None:
        """A word that is no yes and that some part of `text` may have been, which was read as
        `read`, a text of the same length."""
        changed = frozenset(at for at, char in enumerate(text) if char != read[at])
        text = self._mistakable(text)
        return self.feared.touches(text, True, changed) or self.doubted.touches(
            text, False, changed
        )

    def hides(self, text: str) -> str | None:
        """A word that is no yes, of which some part of `text` is another spelling."""
        nowhere: frozenset[int] = frozenset()
        text = self._mistakable(text)
        return self.feared.touches(text, False, nowhere) or self.doubted.touches(
            text, False, nowhere
        )

    def _mistakable(self, text: str) -> str:
        """`text`, each place where it was, without what is never another spelling."""
        return self.unmistakable.sub(lambda found: "，" * len(found[0]), text)

    def respelt(self, text: str) -> str:
        """`text` with its known misspellings corrected."""
        return self.respell.sub(lambda m: self.spellings[m[0]], text)

    def essence(self, text: str, question: str) -> str:
        """`text` without the neutral phrases: what the rules and the classifier both judge."""
        for row in self.neutral:
            if not row.applies(question, "") or not row.matches(text):
                continue
            rest = row.pattern.sub("，", text)
            if row.needs == "know" and not self.know.search(rest):
                continue
            if row.needs == "answer" and not rest.strip("，？"):
                continue
            text = row.pattern.sub(row.becomes, text) if row.becomes or not row.needs else rest
        return re.sub("，{2,}", "，", text).strip("，") or text


def _expander(words: Mapping[str, str]) -> Any:
    def expand(pattern: str) -> str:
        def one(match: re.Match[str]) -> str:
            body = words[match[1]]
            return body if body.startswith("(?:") else f"(?:{expand(body)})"

        return re.sub(r"<([a-z_]+)>", one, pattern)

    return expand


def _alternatives(pattern: str) -> list[str]:
    """What stands between the bars of a pattern that are in no brackets."""
    found, depth = [""], 0
    for char in pattern:
        depth += (char in "([") - (char in ")]")
        if char == "|" and depth == 0:
            found.append("")
        else:
            found[-1] += char
    return found


def _longest_first(lines: list[str]) -> list[str]:
    """Patterns in their order, then plain words, the longest first."""
    parts = [part for line in lines for part in _alternatives(line)]
    patterns = [part for part in parts if "(" in part or "[" in part]
    words = [part for part in parts if "(" not in part and "[" not in part]
    return [*patterns, *sorted(words, key=len, reverse=True)]


def _plain(lines: list[str]) -> list[str]:
    """The words of several characters among `lines` that are no patterns."""
    words = (word for line in lines for word in line.split("|"))
    return [word for word in words if re.fullmatch("[\u4e00-\u9fff]{2,}", word)]


@lru_cache(maxsize=1)
def table() -> Table:
    """The table of rules.yml. Raises ValueError or KeyError if the file is not well formed."""
    data = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    expand = _expander(data["words"])

    def compiled(pattern: str | list[str]) -> re.Pattern[str]:
        return re.compile(expand(pattern if isinstance(pattern, str) else "|".join(pattern)))

    def row(raw: Mapping[str, Any]) -> Row:
        known = {f.name for f in fields(Row)}
        if not raw.keys() <= known:
            raise ValueError(f"rules.yml: {raw.get('id')} has unknown {sorted(raw.keys() - known)}")
        return Row(
            **{
                **raw,
                "pattern": compiled(raw["pattern"]),
                "unless": compiled(raw["unless"]) if "unless" in raw else None,
                "phase": tuple(raw.get("phase", ())),
                "examples": tuple(str(e) for e in raw.get("examples", ())),
            }
        )

    fillings, whole = words_of(
        *(frozenset(data[section]["classes"]) for section in ("adjuncts", "whole"))
    )
    readable = {char for lines in data["vocabulary"].values() for line in lines for char in line}
    spellings: dict[str, str] = {}
    for right, wrongs in data["spellings"].items():
        spellings[right] = right  # protects 不知道 from its own part 不知
        spellings.update(dict.fromkeys(wrongs, right))
    longest = sorted(spellings, key=len, reverse=True)
    respell = "|".join(f"^{w[1:]}$" if w.startswith("^") else w for w in longest)
    return Table(
        agreement=Agreement(**data["agreement"]),
        respell=re.compile(respell),
        spellings={k.removeprefix("^"): v for k, v in spellings.items()},
        keys={str(k): v for k, v in data["keys"].items()},
        requests=tuple(map(row, data["requests"])),
        neutral=tuple(map(row, data["neutral"])),
        answers=tuple(map(row, data["answers"])),
        denials=tuple(map(row, data["denials"])),
        negators=compiled(data["negators"]),
        claims=compiled(data["claims"]["pattern"]),
        no_claims=compiled(data["claims"]["unless"]),
        know=compiled("<know>"),
        same_sound=compiled(data["same_sound"]),
        like_a_question=compiled(data["like_a_question"]),
        topic=compiled(data["topic"]),
        adjuncts=adjuncts(data["adjuncts"], compiled, fillings),
        whole=frozenset(filter(readable.issuperset, whole)) - {*data["whole"]["except"]},
        vocabulary={k: compiled(_longest_first(v)) for k, v in data["vocabulary"].items()},
        answers_to=answers_to(data["answers_to"], compiled),
        repairs=pinyin.Lexicon(
            _plain(data["vocabulary"]["other"] + data["vocabulary"]["me"]), data["repairable"]
        ),
        feared=pinyin.Lexicon(data["feared"]),
        unmistakable=compiled(data["unmistakable"]),
        doubted=pinyin.Lexicon(data["doubted"]),
    )
