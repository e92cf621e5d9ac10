"""Sentences that a person recorded: played instead of synthesised, values spoken in between.

A folder holds WAVs and `index.csv` with two columns. `sentence` is a sentence in the words of the
questionnaire, with {} for each value (a name, a date, an amount); `files` are the WAVs of the
stretches of words between the values, in order, separated by spaces. So a sentence whose wording
has changed since it was recorded is found no more and is synthesised, and nothing is ever played
for other words than those that the record says.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from voice.dsp import Samples, samples_from
from voice.errors import ModelError
from voice.speaking import loudness
from voice.speaking.engine import HANZI_PER_SECOND
from voice.speaking.finish import Delivery, finish
from voice.speaking.normalise import normalise

INDEX: Final = "index.csv"
VALUE: Final = "{}"
MAX_ROWS: Final = 5000
MAX_SECONDS: Final = 60
RATES: Final = (16_000, 48_000)
PAUSE_S: Final = 0.12
"""At a comma between a recorded stretch and a value; where there is none, they follow at once."""
_SPOKEN: Final = re.compile(r"[\w%]")
_PAUSES: Final = "，；：、。"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a sentence in one voice."""

    text: str
    file: str | None  # of the folder; None: a value, to be synthesised


@dataclass(frozen=True, slots=True)
class _Template:
    """One row of the index."""

    pattern: re.Pattern[str]
    words: tuple[str, ...]  # between the values; "" at an end where a value stands
    files: tuple[str | None, ...]  # of each of them; None where nothing is spoken


class Recordings:
    """A folder of recordings, checked when it is opened. Raises ModelError, naming file or row."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        rows = _rows(folder / INDEX)
        self._whole: dict[str, tuple[Stretch, ...]] = {}
        self._templates: list[_Template] = []
        self._sha256: dict[str, str] = {}
        seconds = hanzi = 0.0
        for number, (sentence, files) in enumerate(rows, start=2):
            template = _template(sentence, files, f"{folder / INDEX}:{number}")
            for words, file in zip(template.words, template.files, strict=True):
                if file is not None:
                    samples, rate = self._checked(file)
                    seconds += samples.size / rate
                    hanzi += len(re.findall("[一-鿿]", normalise(words)))
            if len(template.words) == 1:
                self._whole[sentence] = (Stretch(sentence, template.files[0]),)
            else:
                self._templates.append(template)
        self.pace = HANZI_PER_SECOND * seconds / hanzi if hanzi else 1.0
        digest = hashlib.sha256((folder / INDEX).read_bytes())
        for file in sorted(self._sha256):
            digest.update(f"{file} {self._sha256[file]}\n".encode())
        self.name = f"recorded {folder.name}@{digest.hexdigest()[:12]}"
        """For the record: the folder's name and a hash over the index and every file."""

    def __len__(self) -> int:
        """Sentences."""
        return len(self._whole) + len(self._templates)

    @property
    def files(self) -> Sequence[tuple[str, str]]:
        """Every file, and the words that it must hold."""
        whole = [(s.file, s.text) for found in self._whole.values() for s in found]
        parts = [pair for t in self._templates for pair in zip(t.files, t.words, strict=True)]
        return tuple((file, words) for file, words in [*whole, *parts] if file is not None)

    def find(self, sentence: str) -> tuple[Stretch, ...]:
        """How a sentence is put together; empty where it was not recorded."""
        if sentence in self._whole:
            return self._whole[sentence]
        for template in self._templates:
            if match := template.pattern.fullmatch(sentence):
                return tuple(_put_together(template, match.groups()))
        return ()

    def sound(self, stretch: Stretch, delivery: Delivery) -> bytes:
        """PCM of a recorded stretch. Blocking. Raises ModelError where the file is another one by
        now."""
        assert stretch.file is not None
        samples, rate = self._checked(stretch.file)
        return finish(loudness.even(samples, rate), rate, self.pace, delivery)

    def _checked(self, file: str) -> tuple[Samples, int]:
        """A file's sound without the silence around it."""
        path = self.folder / file
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelError(f"{path}: {error.strerror}") from error
        sha256 = hashlib.sha256(data).hexdigest()
        if self._sha256.setdefault(file, sha256) != sha256:
            raise ModelError(f"{path}: changed since the recordings were opened")
        try:
            with wave.open(io.BytesIO(data), "rb") as reader:
                rate, form = reader.getframerate(), (reader.getnchannels(), reader.getsampwidth())
                frames = reader.getnframes()
                pcm = reader.readframes(MAX_SECONDS * rate)
        except (wave.Error, EOFError, RuntimeError) as error:  # the last for a chunk's false size
            raise ModelError(f"{path}: no WAV file") from error
        if form != (1, 2) or not RATES[0] <= rate <= RATES[1]:
            raise ModelError(f"{path}: mono, 16 bit, {RATES[0]} to {RATES[1]} Hz wanted")
        if frames > MAX_SECONDS * rate:
            raise ModelError(f"{path}: {frames / rate:.0f} s long, {MAX_SECONDS} at most")
        samples = loudness.trim(samples_from(pcm), rate)
        if loudness.silent(samples):
            raise ModelError(f"{path}: silence")
        if np.count_nonzero(np.abs(samples) > 0.999) > rate // 1000:
            raise ModelError(f"{path}: clipped; record it again with the level lower")
        return samples, rate


def stretches(sentence: str) -> list[str]:
    """The words between the values that need a recording, in order."""
    return [words for words in sentence.split(VALUE) if _SPOKEN.search(words)]


def silence(before: Stretch, after: Stretch, sample_rate: int) -> bytes:
    """Between two stretches: a breath where a comma stands."""
    comma = before.text[-1:] in _PAUSES or after.text[:1] in _PAUSES
    return bytes(2 * int(PAUSE_S * sample_rate)) if comma else b""


def _rows(index: Path) -> list[tuple[str, list[str]]]:
    try:
        with index.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if not {"sentence", "files"} <= set(reader.fieldnames or ()):
                raise ModelError(f"{index}: the columns sentence and files are needed")
            rows = [(row["sentence"] or "", (row["files"] or "").split()) for row in reader]
    except OSError as error:
        raise ModelError(f"{index}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ModelError(f"{index}: no CSV file in UTF-8") from error
    if len(rows) > MAX_ROWS:
        raise ModelError(f"{index}: {len(rows)} rows, {MAX_ROWS} at most")
    return rows


def _template(sentence: str, files: Sequence[str], place: str) -> _Template:
    wanted = stretches(sentence)
    if not wanted:
        raise ModelError(f"{place}: no words to record")
    if len(files) != len(wanted):
        raise ModelError(f"{place}: {len(wanted)} files are needed, {len(files)} are named")
    if strange := next((f for f in files if not re.fullmatch(r"[\w.-]+\.wav", f)), None):
        raise ModelError(f"{place}: {strange!r} is no name of a WAV in this folder")
    words = tuple(sentence.split(VALUE))
    if "" in words[1:-1]:
        raise ModelError(f"{place}: two values without a word between them; write one {VALUE}")
    named = iter(files)
    taken = tuple(next(named) if _SPOKEN.search(part) else None for part in words)
    pattern = "([^。！？；]+?)".join(map(re.escape, words))
    return _Template(re.compile(pattern), words, taken)


def _put_together(template: _Template, values: Sequence[str]) -> Iterator[Stretch]:
    """Punctuation that stands alone between two values goes to the value before it."""
    held = ""
    for n, (words, file) in enumerate(zip(template.words, template.files, strict=True)):
        if file is not None:
            if held:
                yield Stretch(held, None)
                held = ""
            yield Stretch(words, file)
        else:
            held += words
        if n < len(values):
            held += values[n]
    if held:
        yield Stretch(held, None)
