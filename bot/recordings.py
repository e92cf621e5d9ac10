"""What there is to record of a questionnaire, and whether recordings say what they must."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby

from pypinyin import lazy_pinyin

from bot.conversation.acting import sentences
from bot.phone.switchboard import FILLER_TEXT
from bot.questionnaires import wording
from bot.questionnaires.schema import Document
from bot.settings import Settings
from voice.frames import PHONE_RATE
from voice.listening.protocols import Recogniser
from voice.speaking.finish import Delivery
from voice.speaking.normalise import normalise
from voice.speaking.recorded import VALUE, Recordings, Stretch, stretches

ALIKE = 0.6
"""Share of syllables that a recogniser must find in place. A recording of another sentence has a
third of them at most; of the right one a telephone recogniser finds nine in ten."""
_SAME = frozenset({"company", "hotline", "opens", "closes"})  # of every policy


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence to record: a row of the index."""

    sentence: str  # {} where a value is spoken
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A recording that does not sound like its words."""

    file: str
    words: str
    heard: str

    def __str__(self) -> str:
        return f"{self.file}: should say “{self.words}”, sounds like “{self.heard}”"


def to_record(document: Document, settings: Settings) -> Iterator[Line]:
    """Every sentence of the questionnaire that has words of its own, once."""
    known = {
        "company": settings.company,
        "hotline": settings.hotline,
        "opens": settings.call_hours[0],
        "closes": settings.call_hours[1],
    }
    seen: set[str] = set()
    for name, text in [("filler", FILLER_TEXT), *_texts(document, known)]:
        for number, sentence in enumerate(sentences(text), 1):
            count = len(stretches(sentence))
            if sentence in seen or not count:
                continue
            seen.add(sentence)
            base = f"{name}-{number}"
            letters = [""] if count == 1 else [chr(ord("a") + n) for n in range(count)]
            yield Line(sentence, tuple(f"{base}{letter}.wav" for letter in letters))


def missing(lines: Iterable[Line], recordings: Recordings) -> list[str]:
    """Sentences that will be synthesised."""
    return [line.sentence for line in lines if not recordings.find(line.sentence)]


def doubts(recordings: Recordings, recogniser: Recogniser) -> Iterator[Doubt]:
    """Listens to every file: what is played must be what the record says was said. Raises
    ModelError, RecognitionFailed."""
    for file, words in recordings.files:
        pcm = recordings.sound(Stretch(words, file), Delivery(sample_rate=PHONE_RATE))
        session = recogniser.session(PHONE_RATE)
        session.accept(bytes(PHONE_RATE) + pcm + bytes(PHONE_RATE))
        heard = session.finish().text
        if SequenceMatcher(None, _syllables(words), _syllables(heard)).ratio() < ALIKE:
            yield Doubt(file, words, heard)


def _syllables(text: str) -> list[str]:
    return lazy_pinyin("".join(re.findall("[一-鿿]", normalise(text))))


def _texts(document: Document, known: dict[str, object]) -> Iterator[tuple[str, str]]:
    """Words by clause and form, what differs from policy to policy as {}."""
    for term, entry in document.glossary.items():
        yield f"term-{_ascii(term)}", entry.text
    for id, spec in document.specs().items():
        for form in ("text", "plain", "keys", "explain"):
            template: wording.Template | None = getattr(spec, form)
            if template is not None:
                yield f"{id}-{form}", _blank(template, known)


def _blank(template: wording.Template, known: dict[str, object]) -> str:
    words = []
    for part in template.parts:
        if isinstance(part, str):
            words.append(part)
        elif part[0] in _SAME:
            words.append(wording.FORMATS[part[1]][1](known[part[0]]))
        else:
            words.append(VALUE)
    return "".join(key if key == VALUE else "".join(group) for key, group in groupby(words))


def _ascii(term: str) -> str:
    """A glossary entry's name in letters that every file system takes."""
    return "".join(lazy_pinyin(term))
