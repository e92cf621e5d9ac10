"""The files of a translation: their shape, and what is wrong with them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.questionnaires import foreign
from bot.questionnaires.schema import CheckSpec, ClauseSpec, Document, Strict, Words

UNSAID = frozenset({"title"})  # 先生, 女士: a language may address people without


def _squeezed(text: str) -> str:
    if not text or re.search(r"\s", text):
        raise ValueError("no spaces: answers are compared without them")
    return text


def _class(letters: str) -> str:
    try:
        re.compile(f"[{letters}]")
    except re.error as error:
        raise ValueError(f"not the inside of a regex class: {error}") from error
    return letters


Answer = Annotated[str, AfterValidator(_squeezed)]


class OptionWords(Strict):
    """One option of a comprehension question."""

    label: str = Field(min_length=1, max_length=20)
    say: tuple[Annotated[Answer, Field(max_length=20)], ...] = Field(min_length=1)


class ClauseWords(Strict):
    """The wordings of one clause; which of them there are is the Mandarin clause's."""

    text: Words
    plain: Words | None = None
    explain: Words | None = None
    keys: Words | None = None
    choice: tuple[OptionWords, OptionWords] | None = None


class ItemWords(ClauseWords):
    """Those of an item and of its comprehension question."""

    check: ClauseWords | None = None


class QuestionWords(Strict):
    """questions.yml"""

    of: str
    of_sha256: str
    glossary: dict[str, str]
    clauses: dict[str, ClauseWords]
    items: dict[str, ItemWords]


class AnswerWords(Strict):
    """answers.yml"""

    language: str
    letters: Annotated[str, AfterValidator(_class)]
    buttons: dict[str, str]
    means: dict[str, tuple[Answer, ...]]
    human: tuple[Answer, ...] = Field(min_length=1)
    values: dict[str, str]
    written: dict[str, str]


class PageWords(Strict):
    """page.yml: the page's own Mandarin words → those of the language."""

    words: dict[str, str]


def faults(document: Document, words: QuestionWords) -> Iterator[str]:
    """What the wordings lack of the Mandarin questionnaire, or have beyond it."""
    yield from _same("glossary", document.glossary.keys(), words.glossary.keys())
    yield from _same("clauses", document.clauses.keys(), words.clauses.keys())
    yield from _same("items", document.items.keys(), words.items.keys())
    for id, spec in document.clauses.items():
        if id in words.clauses:
            yield from _clause_faults(id, spec, words.clauses[id])
    for id, item in document.items.items():
        if id not in words.items:
            continue
        found = words.items[id]
        yield from _clause_faults(id, item, found)
        yield from _same(f"{id}.check", _given(check=item.check), _given(check=found.check))
        if item.check and found.check:
            yield from _clause_faults(f"{id}.check", item.check, found.check)


def _clause_faults(id: str, spec: ClauseSpec, words: ClauseWords) -> Iterator[str]:
    """Every form the page shows must be there and speak of the same values."""
    wanted = {"text": spec.chat or spec.text, "explain": spec.explain}
    if not spec.chat:
        wanted["plain"] = spec.plain
    if isinstance(spec, CheckSpec):
        wanted["keys"] = spec.keys
    found = {form: getattr(words, form) for form in ("text", "plain", "keys", "explain")}
    yield from _same(id, _given(**wanted), _given(**found))
    for form, template in wanted.items():
        if template and found[form]:
            ours, theirs = (set(t.fields()) - UNSAID for t in (template, found[form]))
            yield from _same(f"{id}.{form}: values", ours, theirs)
    choice = spec.choice if isinstance(spec, CheckSpec) else None
    yield from _same(id, _given(choice=choice), _given(choice=words.choice))
    if words.choice and set(words.choice[0].say) & set(words.choice[1].say):
        yield f"{id}: something is said for both options"


def answer_faults(answers: AnswerWords) -> Iterator[str]:
    """What is missing or means two things."""
    yield from _same("buttons", {"yes", "no", "repeat", "human"}, answers.buttons.keys())
    if unknown := answers.means.keys() - foreign.MEANINGS:
        yield f"means: only {', '.join(sorted(foreign.MEANINGS))}; not {', '.join(unknown)}"
    said = [way for ways in answers.means.values() for way in ways]
    if twice := sorted({way for way in said if said.count(way) > 1}):
        yield f"means: two meanings for {', '.join(twice)}"
    meant = {"yes": "是", "no": "不是", "repeat": "再说一遍"}
    for button, meaning in meant.items():
        if answers.buttons.get(button) not in answers.means.get(meaning, ()):
            yield f"buttons: what stands on {button} must mean {meaning}"
    if answers.buttons.get("human") not in answers.human:
        yield "buttons: what stands on human must ask for a human"


def _given(**parts: object) -> set[str]:
    return {name for name, part in parts.items() if part}


def _same(where: str, ours: AbstractSet[str], theirs: AbstractSet[str]) -> Iterator[str]:
    if missing := ours - theirs:
        yield f"{where}: missing: {', '.join(sorted(missing))}"
    if unknown := theirs - ours:
        yield f"{where}: too much: {', '.join(sorted(unknown))}"
