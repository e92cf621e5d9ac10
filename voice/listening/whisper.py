"""Whisper base (int8, CTranslate2) for short telephone utterances.

The encoder looks at 10 s instead of 30: five times faster, since an answer lasts 1 to 3 s (5 s
windows lose accuracy). A longer utterance gets a longer window, up to 30 s, and free text that is
unsure a second look. What answers a closed question keeps the short window: its scores were
measured there.
Whisper hears words in silence and noise: `no_speech` and the mean log-probability gate them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import soxr
from opencc import OpenCC
from tokenizers import Tokenizer

from voice.errors import ModelError, RecognitionFailed
from voice.frames import Transcript
from voice.listening import mel, negation, phones, whisper_files
from voice.listening.closed_set import (
    MAX_CHARACTERS,
    MAX_RATIO,
    ClosedSet,
    negation_ratio,
    ratios,
)
from voice.listening.noise import speech_to_noise_db

MAX_NO_SPEECH = 0.6
MIN_LOG_PROB = -1.8  # mean of the tokens; under it the text is a guess
SURE_LOG_PROB = -0.8
"""Mean of the tokens of free text. What is less sure counts for nothing where it is asked for (a
number needs a confidence of 0.45), so it is worth a second look with the window that the model was
trained on, which costs five times as much. Character error of 48 one-word clips: 39.3 % with the
short window, 29.6 % with the long one, 35.6 % with it for the 11 that were unsure."""
SHORT_WINDOW_S = 10.0
LONG_WINDOW_S = 30.0  # what the model was trained on
MAX_SECONDS = 300.0  # of one session; the rest is not heard
MAX_SCORED_S = 3.0  # nothing longer is one of the short answers of a closed set
_EDGE_S = 0.5  # silence kept after the speech inside a longer window
FREE_HANDICAP = 6.5
"""Log units. Measured on 96 spoken yes and 168 other answers at a ratio > 2: recall 92 → 91 %,
wrong yes 9 → 1 (the 8 were longer sentences)."""
FREE_BEAM = 5
"""Of free text, where words help each other: pinyin error of 24 sentences of 4 to 30 syllables on a
telephone 5.5 % with one beam, 4.3 % with five. One-word answers gain nothing (character error of 48
clips 39.3 and 43.0 %), and their text is weighed against the closed set as it is."""
_BEAMS = 16  # for all candidates of a closed set at once
_CLOSED_SETS = 64  # kept ready
_MAX_CONTEXT = 448  # tokens the decoder has positions for
_AGAIN = re.compile("([^\\W0-9零〇一二两三四五六七八九十百千万幺]{1,4}?)\\1{3,}")
"""What a decoder that repeats itself writes: 是我 eighteen times over. Not digits."""
_HANZI = re.compile("[一-鿿]")
_TOKENS_PER_SECOND = 16  # nobody speaks faster; bounds a decoder that repeats itself


@dataclass(frozen=True, slots=True)
class Decoded:
    """The model's text of one window."""

    tokens: tuple[int, ...]
    log_prob: float  # sum over the tokens and the end of text
    no_speech: float
    scores: Mapping[str, float]  # of the closed set, empty if not asked
    nearest: str = ""  # of its answers, the one that explains the sound best
    sounds: str = ""  # what the second reader spells …
    spelt: str = ""  # … and which words that are

    @property
    def mean_log_prob(self) -> float:
        return self.log_prob / (len(self.tokens) + 1)

    @property
    def credible(self) -> bool:
        """False for what Whisper makes of silence and noise."""
        return self.no_speech <= MAX_NO_SPEECH and self.mean_log_prob >= MIN_LOG_PROB


@dataclass(frozen=True, slots=True)
class ClosedVocabulary:
    """A closed set in the model's terms."""

    texts: Mapping[tuple[int, ...], str]  # tokens of each written form, without the end
    suppressed: list[int]  # every token that no candidate has
    longest: int  # tokens, with the end
    negations: negation.Negations
    spellings: phones.Spellings


class Whisper:
    """A loaded model, shared between calls: CTranslate2 releases the GIL."""

    streaming = False

    def __init__(self, folder: Path, *, threads: int, language: str, prompt: str) -> None:
        """See `load`."""
        self.name = f"whisper-base-int8 {whisper_files.SHA256['model.bin'][:12]}"
        try:
            self._model: Any = ctranslate2.models.Whisper(
                str(folder), compute_type="int8", inter_threads=threads, intra_threads=1
            )
        except RuntimeError as error:
            raise ModelError(f"the Whisper model in {folder} cannot be loaded: {error}") from error
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._simplify = OpenCC("t2s")
        self._traditional = OpenCC("s2t")
        for converter in (self._simplify, self._traditional):
            converter.convert("对對")  # loads its dictionary now: it does so unlocked
        start = ["<|startoftranscript|>", f"<|{language}|>", "<|transcribe|>", "<|notimestamps|>"]
        self._start = [self._token(t) for t in start]
        self._end = self._token("<|endoftext|>")
        self._closed: dict[ClosedSet, ClosedVocabulary] = {}
        every = ([token] for token in range(self._tokenizer.get_vocab_size()))
        self._written = self._tokenizer.decode_batch(list(every))
        self._phones = phones.Phones() if language == "zh" else None
        reader = "" if self._phones is None else f" phones {phones.SHA256[:12]}"
        self._engine = self.name + reader  # as it goes on record
        before = [self._token("<|startofprev|>"), *self._encode(" " + prompt)] if prompt else []
        self._prompt = [*before, *self._start]

    def _token(self, text: str) -> int:
        found = self._tokenizer.token_to_id(text)
        if found is None:
            raise ModelError(f"this Whisper model does not know {text}")
        return int(found)

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def session(self, rate: int, answers: ClosedSet | None = None) -> WhisperSession:
        """Begin an utterance at `rate` Hz. Raises ValueError for a rate outside 8 to 96 kHz."""
        return WhisperSession(self, rate, answers)

    def transcribe(
        self,
        sound: mel.Floats,
        answers: ClosedSet | None,
        unwanted: Callable[[], bool] = lambda: False,
    ) -> Transcript:
        """Recognise sound of 16 kHz, -1..1. Raises RecognitionFailed where the engine fails, and
        between two steps when the result is `unwanted` by now."""
        began = time.perf_counter()
        if len(sound) > MAX_SCORED_S * mel.RATE:
            answers = None
        try:
            decoded = [self._decode(piece, answers, unwanted) for piece in windows(sound)]
        except RuntimeError as error:
            raise RecognitionFailed("the Whisper engine failed on an utterance") from error
        heard = [d for d in decoded if d.credible and d.tokens]
        text = "".join(self._tokenizer.decode(list(d.tokens)) for d in heard)
        count = sum(len(d.tokens) + 1 for d in heard)
        mean = sum(d.log_prob for d in heard) / count if count else float("-inf")
        # Where no words could be written, a known answer may have been spelt all the same.
        told = heard[:1] or [d for d in decoded[:1] if d.spelt]
        return Transcript(
            text=_AGAIN.sub(r"\1\1\1", self._simplify.convert(text).strip()),
            confidence=float(np.exp(mean)),
            no_speech=min((d.no_speech for d in decoded), default=1.0),
            engine=self._engine,
            ms=(time.perf_counter() - began) * 1000,
            scores=told[0].scores if told else {},
            nearest=told[0].nearest if told else "",
            sounds=" ".join(d.sounds for d in heard or told if d.sounds),
            spelt=told[0].spelt if told else "",
        )

    def _decode(
        self, sound: mel.Floats, answers: ClosedSet | None, unwanted: Callable[[], bool]
    ) -> Decoded:
        seconds = len(sound) / mel.RATE
        if seconds > SHORT_WINDOW_S:
            window_s = min(seconds + _EDGE_S, LONG_WINDOW_S)
            return self._look(sound, window_s, answers, unwanted)
        decoded = self._look(sound, SHORT_WINDOW_S, answers, unwanted)
        if answers is not None or decoded.mean_log_prob >= SURE_LOG_PROB:
            return decoded
        again = self._look(sound, LONG_WINDOW_S, None, unwanted)
        return max(decoded, again, key=lambda each: each.mean_log_prob)

    def _look(
        self,
        sound: mel.Floats,
        window_s: float,
        answers: ClosedSet | None,
        unwanted: Callable[[], bool],
    ) -> Decoded:
        """The encoder sees `sound` and then silence, `window_s` in all."""
        _go_on(unwanted)
        seconds = len(sound) / mel.RATE
        frames = int(window_s * mel.FRAMES_PER_SECOND) // 2 * 2
        encoded = self._model.encode(_storage(mel.log_mel(sound, frames)[None]))
        _go_on(unwanted)
        result = self._model.generate(
            encoded,
            [self._prompt],
            beam_size=1 if answers is not None else FREE_BEAM,
            max_length=_max_length(int(seconds * _TOKENS_PER_SECOND) + 8, len(self._prompt)),
            return_scores=True,
            return_no_speech_prob=True,
            return_logits_vocab=answers is not None,
        )[0]
        tokens = tuple(result.sequences_ids[0])
        # The engine's score is already divided by the number of tokens without the end of text.
        log_prob = result.scores[0] * max(len(tokens), 1)
        scores: dict[str, float] = {}
        nearest = ""
        if answers is not None:
            logits = np.asarray([np.asarray(row) for row in result.logits[0]], dtype=np.float32)
            negations = self._closed_vocabulary(answers).negations
            _go_on(unwanted)
            nearest, scores = self._score(encoded, answers, tokens, log_prob)
            scores |= negation.scores(tokens, logits, negations)
        sounds = spelt = ""
        if self._phones is not None and window_s == SHORT_WINDOW_S:  # it was trained with no other
            reading = self._phones.read(np.array(encoded)[0], seconds)
            sounds = phones.syllables(reading.units)
            if answers is not None:
                spelt, read = self._spelt(reading, tokens, answers)
                scores |= read
        return Decoded(tokens, log_prob, result.no_speech_prob, scores, nearest, sounds, spelt)

    def _spelt(
        self, reading: phones.Reading, tokens: Sequence[int], answers: ClosedSet
    ) -> tuple[str, dict[str, float]]:
        """Which words sound like `reading`: an answer of the closed set, or those written (动了 is
        懂了); and how surely neither is the opposite."""
        written = self._simplify.convert(self._tokenizer.decode(list(tokens)))
        hanzi = "".join(_HANZI.findall(written))
        scores: dict[str, float] = {}
        if 0 < len(hanzi) <= MAX_CHARACTERS:
            (likely,) = reading.likelihoods([phones.spelling(hanzi)])
            scores["written"] = max(likely, -phones.MOST)
            scores["undenied"] = phones.denied(reading, hanzi)
        same = bool(reading.units) and phones.alike(phones.spelling(hanzi), reading.units)
        if same and hanzi in answers.phrases:
            return hanzi, scores  # most often: nothing to look for
        found = self._closed_vocabulary(answers).spellings.find(reading)
        if same and not phones.alike(phones.spelling(found), reading.units):
            return hanzi, scores
        if found:
            scores["spelt_undenied"] = phones.denied(reading, found)
        return found, scores

    def _score(
        self, encoded: Any, answers: ClosedSet, plain: tuple[int, ...], free: float
    ) -> tuple[str, dict[str, float]]:
        """Decode again with nothing but the tokens of the closed set: one beam search for all
        candidates, and the end of text counts, so that 是 is no good reading of 转人工. Returns the
        best candidate, if there is any, and the ratios.

        `free` is the log-probability of the free text, `plain` its tokens. The best candidate is
        weighed against it ("known"), with a handicap (it had all words to choose from): in a longer
        sentence every candidate is bad, and the least bad one must not pass for an answer."""
        closed = self._closed_vocabulary(answers)
        result = self._model.generate(
            encoded,
            [self._prompt],
            beam_size=_BEAMS,
            num_hypotheses=_BEAMS,
            length_penalty=0,  # scores are sums, not means
            max_length=_max_length(closed.longest, len(self._prompt)),
            return_scores=True,
            suppress_tokens=closed.suppressed,
        )[0]
        heard: dict[str, float] = {}
        written: dict[str, list[int]] = {}  # the likelier form of each candidate heard
        for tokens, score in zip(result.sequences_ids, result.scores, strict=True):
            text = closed.texts.get(tuple(tokens))
            if text is not None and score > heard.get(text, float("-inf")):
                heard[text], written[text] = score, tokens
        if not heard:
            # Several answers in one breath ("知道了，清楚"): still to be told from a no.
            readings = map(self._tokenizer.decode, result.sequences_ids)
            return "", negation_ratio(answers, zip(readings, result.scores, strict=True))
        scores = ratios(answers, heard, min(result.scores))
        best = max(heard, key=heard.__getitem__)
        distance = FREE_HANDICAP
        if tuple(written[best]) != plain:
            distance += self._log_prob(encoded, written[best]) - free
        scores["known"] = float(min(max(np.exp(distance), 1 / MAX_RATIO), MAX_RATIO))
        return best, scores

    def _log_prob(self, encoded: Any, tokens: list[int]) -> float:
        """Of these tokens and the end of text, among all that the model can write."""
        result = self._model.generate(
            encoded,
            [[*self._prompt, *tokens]],
            beam_size=1,
            max_length=_max_length(len(tokens) + 1, len(self._prompt)),
            suppress_blank=False,
            suppress_tokens=[],
            return_logits_vocab=True,
        )[0]
        # One row of logits for each step; the first steps were forced to be the tokens.
        logits = np.asarray(result.logits[0], dtype=np.float32)[: len(tokens) + 1]
        top = logits.max(axis=1)
        total = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
        chosen = logits[np.arange(len(tokens) + 1), [*tokens, self._end]]
        return float((chosen - total).sum())

    def _both(self, texts: Iterable[str]) -> list[str]:
        """Each text in both scripts: the model writes either."""
        return [form for text in texts for form in (text, self._traditional.convert(text))]

    def _closed_vocabulary(self, answers: ClosedSet) -> ClosedVocabulary:
        found = self._closed.get(answers)
        if found is None:
            if len(self._closed) >= _CLOSED_SETS:
                self._closed.clear()
            texts = {
                tuple(self._encode(form)): text
                for text in answers.phrases
                for form in self._both([text])
            }
            allowed = {token for tokens in texts for token in tokens} | {self._end}
            everything = range(self._tokenizer.get_vocab_size())
            suppressed = [token for token in everything if token not in allowed]
            negations = negation.find(
                self._written, self._both(answers.negations), self._both(answers.harmless)
            )
            longest = max(map(len, texts)) + 1
            found = ClosedVocabulary(
                texts, suppressed, longest, negations, phones.Spellings(answers)
            )
            self._closed[answers] = found
        return found


def _go_on(unwanted: Callable[[], bool]) -> None:
    """The speaker went on, and all will be recognised anew: what is left would be for nothing."""
    if unwanted():
        raise RecognitionFailed("nobody waits for this utterance any more")


def _max_length(tokens: int, prompt: int) -> int:
    """The engine's `max_length` for at least so many tokens: it generates half of it, or what the
    prompt leaves of it, whichever is less."""
    return min(max(2 * tokens, tokens + prompt), _MAX_CONTEXT)


def _storage(array: mel.Floats) -> Any:
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(array))


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
        self._abandoned = False

    def accept(self, pcm: bytes) -> None:
        """Keep more sound, up to MAX_SECONDS in all."""
        self._pcm += pcm[: self._room - len(self._pcm)]

    def abandon(self) -> None:
        """Stop at the next step: a second look costs five times what the first did."""
        self._abandoned = True

    def finish(self) -> Transcript:
        """Recognise it. Raises RecognitionFailed."""
        whole = len(self._pcm) // 2 * 2
        sound = np.frombuffer(bytes(self._pcm[:whole]), dtype="<i2").astype(np.float32) / 32768.0
        if self._rate != mel.RATE:
            sound = soxr.resample(sound, self._rate, mel.RATE).astype(np.float32)
        heard = self._whisper.transcribe(sound, self._answers, lambda: self._abandoned)
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


def load(folder: Path, *, threads: int = 2, language: str = "zh", prompt: str = "") -> Whisper:
    """Load the model in `folder` (see `whisper_files.assemble`), checking its hash.

    `threads` utterances are decoded at the same time, one core each. `prompt` biases the words the
    model expects. Raises ModelError where the model is missing or another one."""
    whisper_files.verify(folder)
    return Whisper(folder, threads=threads, language=language, prompt=prompt)
