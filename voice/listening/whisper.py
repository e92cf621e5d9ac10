"""Whisper (int8, CTranslate2) for short telephone utterances: base, and small where base is unsure.

The encoder looks at 10 s instead of 30: five times faster, since an answer lasts 1 to 3 s (5 s
windows lose accuracy). A longer utterance gets a longer window, up to 30 s. What answers a closed
question keeps the short window: its scores were measured there.
Whisper hears words in silence and noise: `no_speech` and the mean log-probability gate them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soxr

from voice.errors import RecognitionFailed
from voice.frames import Transcript
from voice.listening import mel, phones, second_look, whisper_files, whisper_small
from voice.listening.closed_set import MAX_CHARACTERS, ClosedSet
from voice.listening.noise import speech_to_noise_db
from voice.listening.whisper_model import Look, Vocabulary, WhisperModel

SHORT_WINDOW_S = 10.0
SECOND_WINDOW_S = 6.0
"""Of a second look at an answer to a closed question: 340 ms instead of 500 in 10 s, and as many
of 565 short answers (clean, noise of 20 dB, lost packets) are understood. Free text would lose."""
LONG_WINDOW_S = 30.0  # what the model was trained on
MAX_SECONDS = 300.0  # of one session; the rest is not heard
MAX_SCORED_S = 3.0  # nothing longer is one of the short answers of a closed set
_EDGE_S = 0.5  # silence kept after the speech inside a longer window
_AGAIN = re.compile("([^\\W0-9零〇一二两三四五六七八九十百千万幺]{1,4}?)\\1{3,}")
"""What a decoder that repeats itself writes: 是我 eighteen times over. Not digits."""
_HANZI = re.compile("[一-鿿]")
_CLOSED_SETS = 64  # whose spellings are kept ready


@dataclass(frozen=True, slots=True)
class Heard:
    """What was made of one window of sound."""

    look: Look
    sounds: str = ""  # what the second reader spells …
    spelt: str = ""  # … and which words that are
    again: bool = False  # whether the larger model looked as well


class Whisper:
    """The loaded models, shared between calls."""

    streaming = False

    def __init__(
        self,
        base: WhisperModel,
        *,
        small: WhisperModel | None = None,
        reader: phones.Phones | None = None,
        small_reader: phones.Phones | None = None,
    ) -> None:
        """See `load`."""
        self._base, self._small = base, small
        self._reader, self._small_reader = reader, small_reader
        self._spellings: dict[ClosedSet, phones.Spellings] = {}
        self.name = f"whisper-base-int8 {whisper_files.SHA256['model.bin'][:12]}"

    def session(self, rate: int, answers: ClosedSet | None = None) -> WhisperSession:
        """Begin an utterance at `rate` Hz. Raises ValueError for a rate outside 8 to 96 kHz."""
        return WhisperSession(self, rate, answers)

    def transcribe(
        self,
        sound: mel.Floats,
        answers: ClosedSet | None,
        unwanted: Callable[[], bool] = lambda: False,
        hurried: Callable[[], bool] = lambda: False,
    ) -> Transcript:
        """Recognise sound of 16 kHz, -1..1; where `hurried`, with one look. Raises
        RecognitionFailed where the engine fails, and between two steps when the result is
        `unwanted` by now."""
        began = time.perf_counter()
        if len(sound) > MAX_SCORED_S * mel.RATE:
            answers = None
        try:
            pieces = [self._hear(piece, answers, unwanted, hurried) for piece in windows(sound)]
        except RuntimeError as error:
            raise RecognitionFailed("the Whisper engine failed on an utterance") from error
        heard = [piece for piece in pieces if piece.look.credible and piece.look.tokens]
        text = "".join(piece.look.text for piece in heard)
        count = sum(piece.look.tokens + 1 for piece in heard)
        mean = sum(piece.look.log_prob for piece in heard) / count if count else float("-inf")
        # Where no words could be written, a known answer may have been spelt all the same.
        told = heard[:1] or [piece for piece in pieces[:1] if piece.spelt]
        return Transcript(
            text=_AGAIN.sub(r"\1\1\1", text.strip()),
            confidence=float(np.exp(mean)),
            no_speech=min((piece.look.no_speech for piece in pieces), default=1.0),
            engine=self._engine(any(piece.again for piece in pieces)),
            ms=(time.perf_counter() - began) * 1000,
            scores=told[0].look.scores if told else {},
            nearest=told[0].look.nearest if told else "",
            sounds=" ".join(piece.sounds for piece in heard or told if piece.sounds),
            spelt=told[0].spelt if told else "",
        )

    def _engine(self, again: bool) -> str:
        """What heard an utterance, as it goes on record."""
        small = f" whisper-small-int8 {whisper_small.SHA256['model.bin'][:12]}" if again else ""
        readers = (self._reader, self._small_reader if again else None)
        spells = "".join(f" phones {reader.sha256[:12]}" for reader in readers if reader)
        return self.name + small + spells

    def _hear(
        self,
        sound: mel.Floats,
        answers: ClosedSet | None,
        unwanted: Callable[[], bool],
        hurried: Callable[[], bool],
    ) -> Heard:
        seconds = len(sound) / mel.RATE
        if seconds > SHORT_WINDOW_S:
            window_s = min(seconds + _EDGE_S, LONG_WINDOW_S)
            return Heard(self._base.look(sound, window_s, answers, unwanted))
        look = self._base.look(sound, SHORT_WINDOW_S, answers, unwanted)
        reading = None if self._reader is None else self._reader.read(look.states, seconds)
        heard = self._read(look, reading, answers)
        if self._small is None or hurried():
            return heard
        if second_look.settled(heard.look, answers, heard.spelt):
            return heard
        window_s = SHORT_WINDOW_S if answers is None else SECOND_WINDOW_S
        larger = self._small.look(sound, window_s, answers, unwanted)
        alone = [heard.spelt]
        if reading and self._small_reader and answers:
            spelt_again = self._small_reader.read(larger.states, seconds)
            alone.append(self._known_by_spelling(answers).find(spelt_again))
            reading = phones.together(reading, spelt_again)
        both = self._read(second_look.together(look, larger), reading, answers)
        # A wish for a human that one of the two heard alone brings a human all the same.
        human = next((text for text in alone if answers and text in answers.urgent), both.spelt)
        return replace(both, spelt=human, again=True)

    def _read(self, look: Look, reading: phones.Reading | None, answers: ClosedSet | None) -> Heard:
        """`look` with what the second reader says of its words."""
        if reading is None:
            return Heard(look)
        sounds = phones.syllables(reading.units)
        if answers is None:
            return Heard(look, sounds)
        spelt, read = self._spelt(reading, look.text, answers)
        return Heard(replace(look, scores={**look.scores, **read}), sounds, spelt)

    def _spelt(
        self, reading: phones.Reading, written: str, answers: ClosedSet
    ) -> tuple[str, dict[str, float]]:
        """Which words sound like `reading`: an answer of the closed set, or those written (动了 is
        懂了); and how surely neither is the opposite."""
        hanzi = "".join(_HANZI.findall(written))
        scores: dict[str, float] = {}
        if 0 < len(hanzi) <= MAX_CHARACTERS:
            (likely,) = reading.likelihoods([phones.spelling(hanzi)])
            scores["written"] = max(likely, -phones.MOST)
            scores["undenied"] = phones.denied(reading, hanzi)
        same = bool(reading.units) and phones.alike(phones.spelling(hanzi), reading.units)
        if same and hanzi in answers.phrases:
            return hanzi, scores  # most often: nothing to look for
        found = self._known_by_spelling(answers).find(reading)
        if same and not phones.alike(phones.spelling(found), reading.units):
            return hanzi, scores
        if found:
            scores["spelt_undenied"] = phones.denied(reading, found)
        return found, scores

    def _known_by_spelling(self, answers: ClosedSet) -> phones.Spellings:
        found = self._spellings.get(answers)
        if found is None:
            if len(self._spellings) >= _CLOSED_SETS:
                self._spellings.clear()
            found = self._spellings[answers] = phones.Spellings(answers)
        return found


class WhisperSession:
    """Collects one utterance; Whisper recognises it as a whole."""

    def __init__(self, whisper: Whisper, rate: int, answers: ClosedSet | None) -> None:
        if not 8000 <= rate <= 96000:
            raise ValueError(f"a rate of {rate} Hz; 8000 to 96000 is possible")
        self._whisper = whisper
        self._rate = rate
        self._answers = answers
        self._pcm = bytearray()
        self._room = int(MAX_SECONDS * rate) * 2
        self._abandoned = self._hurried = False

    def accept(self, pcm: bytes) -> None:
        """Keep more sound, up to MAX_SECONDS in all."""
        self._pcm += pcm[: self._room - len(self._pcm)]

    def abandon(self) -> None:
        """Stop at the next step: a second look costs twice what the first did."""
        self._abandoned = True

    def hurry(self) -> None:
        """No second look, unless it is under way."""
        self._hurried = True

    def finish(self) -> Transcript:
        """Recognise it. Raises RecognitionFailed."""
        whole = len(self._pcm) // 2 * 2
        sound = np.frombuffer(bytes(self._pcm[:whole]), dtype="<i2").astype(np.float32) / 32768.0
        if self._rate != mel.RATE:
            sound = soxr.resample(sound, self._rate, mel.RATE).astype(np.float32)
        heard = self._whisper.transcribe(
            sound, self._answers, lambda: self._abandoned, lambda: self._hurried
        )
        if self._answers is None:
            return heard
        snr = speech_to_noise_db(bytes(self._pcm[:whole]))
        return replace(heard, scores={**heard.scores, "snr_db": snr})


def windows(sound: mel.Floats) -> Iterator[mel.Floats]:
    """Cut sound longer than the long window at the quietest tenth of a second of its last 5 s."""
    longest = int((LONG_WINDOW_S - _EDGE_S) * mel.RATE)
    step = mel.RATE // 10
    while len(sound) > longest:
        first = longest - 5 * mel.RATE
        tail = sound[first:longest].reshape(-1, step)
        cut = first + int(np.argmin(np.mean(tail**2, axis=1))) * step + step // 2
        yield sound[:cut]
        sound = sound[cut:]
    if len(sound):
        yield sound


def load(
    folder: Path,
    *,
    small: Path | None = None,
    threads: int = 2,
    language: str = "zh",
    prompt: str = "",
) -> Whisper:
    """Load the model in `folder` (see `whisper_files.assemble`), checking its hash, and the one in
    `small` for a second look.

    `threads` utterances are decoded at the same time, one core each. `prompt` biases the words the
    model expects. Raises ModelError where a model is missing or another one."""
    whisper_files.verify(folder)
    vocabulary = Vocabulary(folder / "tokenizer.json")

    def model(at: Path) -> WhisperModel:
        return WhisperModel(at, vocabulary, threads=threads, language=language, prompt=prompt)

    if small is not None:
        whisper_small.verify(small)
    spelt = language == "zh"
    return Whisper(
        model(folder),
        small=None if small is None else model(small),
        reader=phones.Phones(phones.BASE) if spelt else None,
        small_reader=phones.Phones(phones.SMALL) if spelt and small is not None else None,
    )
