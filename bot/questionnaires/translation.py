"""A questionnaire in another language: a folder of words, laid over the Mandarin rules.

`questions.yml` holds wordings only; whom a term is asked of, what is expected and which article it
comes from stay those of the Mandarin questionnaire it names with its hash. `answers.yml` says what
typed words and buttons stand for (`foreign.py`), `page.yml` what stands on the chat page.
A translation serves the chat page: no voice of ours speaks another language well enough.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bot.errors import ConfigError
from bot.policies.policy import Policy
from bot.questionnaires import questionnaire, wording
from bot.questionnaires.foreign import Foreign, Written
from bot.questionnaires.questionnaire import Questionnaire
from bot.questionnaires.schema import CheckSpec, Option
from bot.questionnaires.strict_yaml import read
from bot.questionnaires.translation_schema import (
    AnswerWords,
    ClauseWords,
    ItemWords,
    PageWords,
    QuestionWords,
    answer_faults,
    faults,
)

FOLDER = Path(__file__).parent.parent / "languages"
FILES = ("answers.yml", "page.yml", "questions.yml")
_HAN = re.compile("[\u3400-\u9fff]")


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
    if found := [*faults(base.document, words), *answer_faults(answers)]:
        raise ConfigError("\n".join(f"{version}: {fault}" for fault in found))
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
