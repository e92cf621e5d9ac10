"""A questionnaire in another language: a folder of words, laid over the Mandarin rules.

`questions.yml` holds wordings only; whom a term is asked of, what is expected and which article it
comes from stay those of the Mandarin questionnaire it names with its hash. `answers.yml` says what
typed words and buttons stand for (`bot/foreign.py`), `page.yml` what stands on the chat page.
A translation serves the chat page: no voice of ours speaks another language well enough.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from bot import foreign, questionnaire, wording
from bot.errors import ConfigError
from bot.foreign import Foreign, Written
from bot.policy import Policy
from bot.questionnaire import Questionnaire
from bot.questionnaire_schema import CheckSpec, ClauseSpec, Option, Strict, Words, read

FOLDER = Path(__file__).parent / "languages"
FILES = ("answers.yml", "page.yml", "questions.yml")
UNSAID = frozenset({"title"})  # 先生, 女士: a language may address people without
_HAN = re.compile("[\u3400-\u9fff]")


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


@dataclass(frozen=True)
class Translation:
    """One version of one language."""

    questions: Questionnaire
    foreign: Foreign

    @property
    def version(self) -> str:
        return self.questions.version

    @property
    def sha256(self) -> str:
        """Of the whole folder: what a reviewer signs off."""
        return self.questions.sha256

    def fits(self, policy: Policy) -> bool:
        """Whether everything that this policy's clauses speak of is in the language: coverage,
        exclusions and the like are the insurer's own words, and a term in two languages is not
        explained."""
        spoken = self.questions.speaks_of(policy) - wording.VERBATIM
        texts = (getattr(policy, name, None) for name in spoken)
        return all(self._is_ours(text) for text in texts if isinstance(text, str))

    def _is_ours(self, text: str) -> bool:
        said = self.foreign.written(text)
        return not _HAN.search(said) or self.foreign.writes(said)


@lru_cache(maxsize=8)
def load(version: str) -> Translation:
    """Raises ConfigError where there is no such translation, a clause is not translated, or the
    Mandarin questionnaire is another one than was translated."""
    folder = FOLDER / version
    if not re.fullmatch(r"[a-z]{2}-\d{4}\.\d{1,3}", version) or not folder.is_dir():
        raise ConfigError(f"no translation {version!r}; there are: {', '.join(known()) or 'none'}")
    return parse({name: (folder / name).read_bytes() for name in FILES}, version)


def known() -> list[str]:
    """Versions there are, signed off or not."""
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


@lru_cache(maxsize=1)
def alphabets() -> Mapping[str, str]:
    """Language → its letters, of every translation there is. Raises ConfigError."""
    files = {version: FOLDER / version / "answers.yml" for version in known()}
    answers = [
        read(AnswerWords, file.read_text("utf-8"), f"{version}/answers.yml")
        for version, file in files.items()
    ]
    return {one.language: one.letters for one in answers}


def signed_off(setting: str) -> dict[str, Translation]:
    """Language → translation, of `HUIFANG_TRANSLATIONS`: version@hash, several with commas; the
    hash (12 digits or more) is the one that the reviewer signed. Raises ConfigError."""
    found: dict[str, Translation] = {}
    for entry in filter(None, (part.strip() for part in setting.split(","))):
        version, _, signed = entry.partition("@")
        translation = load(version)
        if len(signed) < 12 or not translation.sha256.startswith(signed.lower()):
            raise ConfigError(
                f"HUIFANG_TRANSLATIONS: {version} has the hash {translation.sha256[:12]}, signed "
                f"off is {signed or 'nothing'}; have it reviewed, then write {version}@hash"
            )
        found[translation.foreign.language] = translation
    return found


def parse(files: Mapping[str, bytes], version: str) -> Translation:
    """`files`: the folder's, by name. Raises ConfigError with file and place of every fault."""
    digest = hashlib.sha256()
    for name in FILES:
        digest.update(files[name])
    page = read(PageWords, files["page.yml"].decode(), f"{version}/page.yml")
    answers = read(AnswerWords, files["answers.yml"].decode(), f"{version}/answers.yml")
    where = f"{version}/questions.yml"
    words = read(QuestionWords, files["questions.yml"].decode(), where)
    base = questionnaire.load(words.of)
    if words.of_sha256 != base.sha256:
        raise ConfigError(
            f"{where}: translates {words.of} with the SHA-256 {words.of_sha256[:12]}…, but that "
            f"file has {base.sha256[:12]}…: have the translation reviewed, then write the new one"
        )
    if faults := [*_faults(base, words), *_answer_faults(answers)]:
        raise ConfigError("\n".join(f"{version}: {fault}" for fault in faults))
    language = _foreign(answers, page.words)
    if version[:2] != answers.language:
        raise ConfigError(f"{version}/answers.yml: language: {answers.language}")
    document = base.document.model_copy(
        update={
            "version": version,
            "language": answers.language,
            "of": words.of,
            "glossary": {
                id: term.model_copy(update={"text": words.glossary[id]})
                for id, term in base.document.glossary.items()
            },
            "clauses": {
                id: _clause(spec, words.clauses[id]) for id, spec in base.document.clauses.items()
            },
            "items": {id: _item(spec, words.items[id]) for id, spec in base.document.items.items()},
        }
    )
    return Translation(Questionnaire(document, digest.hexdigest(), language.written), language)


def _item(spec: Any, words: ItemWords) -> Any:
    item = _clause(spec, words)
    if spec.check is None or words.check is None:
        return item
    return item.model_copy(update={"check": _clause(spec.check, words.check)})


def _clause(spec: Any, words: ClauseWords) -> Any:
    """The clause with its words in the language. A page has its buttons below every question:
    what the keys mean is said only where they mean something else, in comprehension questions."""
    plain = words.plain or (words.text if spec.plain else None)
    said: dict[str, Any] = {
        "text": words.text,
        "plain": plain,
        "keys": words.keys or plain,
        "chat": None,
        "explain": words.explain,
    }
    if isinstance(spec, CheckSpec) and spec.choice and words.choice:
        said["choice"] = tuple(
            Option(label=option.label, say=option.say, right=ours.right)
            for ours, option in zip(spec.choice, words.choice, strict=True)
        )
    return spec.model_copy(update=said)


def _foreign(answers: AnswerWords, page: Mapping[str, str]) -> Foreign:
    return Foreign(
        language=answers.language,
        letters=answers.letters,
        buttons=answers.buttons,
        means={said: meaning for meaning, ways in answers.means.items() for said in ways},
        human=answers.human,
        values=answers.values,
        written=Written.of(answers.written),
        page=page,
    )


def _faults(base: Questionnaire, words: QuestionWords) -> Iterator[str]:
    document = base.document
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


def _answer_faults(answers: AnswerWords) -> Iterator[str]:
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
