"""One Whisper model (int8, CTranslate2) and what it can be asked about a stretch of sound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from opencc import OpenCC
from tokenizers import Tokenizer

from voice.errors import ModelError, RecognitionFailed
from voice.listening import mel, negation
from voice.listening.closed_set import MAX_RATIO, ClosedSet, negation_ratio, ratios

MAX_NO_SPEECH = 0.6
MIN_LOG_PROB = -1.8  # mean of the tokens; under it the text is a guess
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
_TOKENS_PER_SECOND = 16  # nobody speaks faster; bounds a decoder that repeats itself


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a model made of one window of sound."""

    text: str  # in simplified characters
    tokens: int
    log_prob: float  # sum over the tokens and the end of text
    no_speech: float
    states: mel.Floats  # of the encoder, shape (frames, width)
    scores: Mapping[str, float]  # of the closed set, empty if not asked
    nearest: str = ""  # of its answers, the one that explains the sound best

    @property
    def mean_log_prob(self) -> float:
        return self.log_prob / (self.tokens + 1)

    @property
    def credible(self) -> bool:
        """False for what Whisper makes of silence and noise."""
        return self.no_speech <= MAX_NO_SPEECH and self.mean_log_prob >= MIN_LOG_PROB


@dataclass(frozen=True, slots=True)
class _ClosedVocabulary:
    """A closed set in the model's terms."""

    texts: Mapping[tuple[int, ...], str]  # tokens of each written form, without the end
    suppressed: list[int]  # every token that no candidate has
    longest: int  # tokens, with the end
    negations: negation.Negations


class Vocabulary:
    """The tokens that multilingual Whisper models of every size share."""

    def __init__(self, tokenizer: Path) -> None:
        """Reads `tokenizer`, a tokenizer.json."""
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._simplify = OpenCC("t2s")
        self._traditional = OpenCC("s2t")
        for converter in (self._simplify, self._traditional):
            converter.convert("对對")  # loads its dictionary now: it does so unlocked
        self._closed: dict[ClosedSet, _ClosedVocabulary] = {}
        every = ([token] for token in range(self._tokenizer.get_vocab_size()))
        self._written = self._tokenizer.decode_batch(list(every))
        self.end = self.token("<|endoftext|>")

    def token(self, text: str) -> int:
        """Raises ModelError for what is no token."""
        found = self._tokenizer.token_to_id(text)
        if found is None:
            raise ModelError(f"this Whisper model does not know {text}")
        return int(found)

    def tokens(self, text: str) -> list[int]:
        """What `text` is written with."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def text(self, tokens: Iterable[int]) -> str:
        """As the model wrote it, in either script."""
        return str(self._tokenizer.decode(list(tokens)))

    def simplified(self, text: str) -> str:
        """In simplified characters."""
        return str(self._simplify.convert(text))

    def closed(self, answers: ClosedSet) -> _ClosedVocabulary:
        """`answers` in tokens, made once."""
        found = self._closed.get(answers)
        if found is None:
            if len(self._closed) >= _CLOSED_SETS:
                self._closed.clear()
            texts = {
                tuple(self.tokens(form)): text
                for text in answers.phrases
                for form in self._both([text])
            }
            allowed = {token for tokens in texts for token in tokens} | {self.end}
            everything = range(self._tokenizer.get_vocab_size())
            suppressed = [token for token in everything if token not in allowed]
            negations = negation.find(
                self._written, self._both(answers.negations), self._both(answers.harmless)
            )
            longest = max(map(len, texts)) + 1
            found = _ClosedVocabulary(texts, suppressed, longest, negations)
            self._closed[answers] = found
        return found

    def _both(self, texts: Iterable[str]) -> list[str]:
        """Each text in both scripts: the model writes either."""
        return [form for text in texts for form in (text, self._traditional.convert(text))]


class WhisperModel:
    """A loaded model. CTranslate2 releases the GIL: it may be asked from several threads."""

    def __init__(
        self, folder: Path, vocabulary: Vocabulary, *, threads: int, language: str, prompt: str
    ) -> None:
        """`threads` utterances at the same time, one core each; `prompt` biases the words the model
        expects. Raises ModelError where it cannot be loaded."""
        try:
            self._model: Any = ctranslate2.models.Whisper(
                str(folder), compute_type="int8", inter_threads=threads, intra_threads=1
            )
        except RuntimeError as error:
            raise ModelError(f"the Whisper model in {folder} cannot be loaded: {error}") from error
        self._vocabulary = vocabulary
        start = ["<|startoftranscript|>", f"<|{language}|>", "<|transcribe|>", "<|notimestamps|>"]
        before = [vocabulary.token("<|startofprev|>"), *vocabulary.tokens(" " + prompt)]
        self._prompt = [*(before if prompt else []), *map(vocabulary.token, start)]

    def look(
        self,
        sound: mel.Floats,
        window_s: float,
        answers: ClosedSet | None,
        unwanted: Callable[[], bool] = lambda: False,
    ) -> Look:
        """The encoder sees `sound`, 16 kHz, -1..1, and then silence, `window_s` in all. Raises
        RecognitionFailed between two steps when the result is `unwanted` by now, RuntimeError where
        the engine fails."""
        _go_on(unwanted)
        seconds = len(sound) / mel.RATE
        frames = int(window_s * mel.FRAMES_PER_SECOND) // 2 * 2
        encoded = self._model.encode(_storage(mel.log_mel(sound, frames)[None]))
        _go_on(unwanted)
        free = self._model.generate(
            encoded,
            [self._prompt],
            beam_size=1 if answers is not None else FREE_BEAM,
            max_length=_max_length(int(seconds * _TOKENS_PER_SECOND) + 8, len(self._prompt)),
            return_scores=True,
            return_no_speech_prob=True,
            return_logits_vocab=answers is not None,
            asynchronous=True,
        )[0]
        # Both at once where a core is free: half the time of one after the other.
        search = None if answers is None else self._search(encoded, answers)
        result = free.result()
        tokens = tuple(result.sequences_ids[0])
        # The engine's score is already divided by the number of tokens without the end of text.
        log_prob = result.scores[0] * max(len(tokens), 1)
        scores: dict[str, float] = {}
        nearest = ""
        if answers is not None and search is not None:
            logits = np.asarray([np.asarray(row) for row in result.logits[0]], dtype=np.float32)
            found = search.result()
            _go_on(unwanted)
            nearest, scores = self._score(encoded, answers, found, tokens, log_prob)
            scores |= negation.scores(tokens, logits, self._vocabulary.closed(answers).negations)
        text = self._vocabulary.simplified(self._vocabulary.text(tokens))
        states = np.array(encoded)[0]
        return Look(text, len(tokens), log_prob, result.no_speech_prob, states, scores, nearest)

    def _search(self, encoded: Any, answers: ClosedSet) -> Any:
        """Begin to decode with nothing but the tokens of the closed set: one beam search for all
        candidates, and the end of text counts, so that 是 is no good reading of 转人工."""
        closed = self._vocabulary.closed(answers)
        return self._model.generate(
            encoded,
            [self._prompt],
            beam_size=_BEAMS,
            num_hypotheses=_BEAMS,
            length_penalty=0,  # scores are sums, not means
            max_length=_max_length(closed.longest, len(self._prompt)),
            return_scores=True,
            suppress_tokens=closed.suppressed,
            asynchronous=True,
        )[0]

    def _score(
        self, encoded: Any, answers: ClosedSet, result: Any, plain: tuple[int, ...], free: float
    ) -> tuple[str, dict[str, float]]:
        """The best candidate of a `_search`, if there is any, and the ratios.

        `free` is the log-probability of the free text, `plain` its tokens. The best candidate is
        weighed against it ("known"), with a handicap (it had all words to choose from): in a longer
        sentence every candidate is bad, and the least bad one must not pass for an answer."""
        closed = self._vocabulary.closed(answers)
        heard: dict[str, float] = {}
        written: dict[str, list[int]] = {}  # the likelier form of each candidate heard
        for tokens, score in zip(result.sequences_ids, result.scores, strict=True):
            text = closed.texts.get(tuple(tokens))
            if text is not None and score > heard.get(text, float("-inf")):
                heard[text], written[text] = score, tokens
        if not heard:
            # Several answers in one breath ("知道了，清楚"): still to be told from a no.
            readings = map(self._vocabulary.text, result.sequences_ids)
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
        chosen = logits[np.arange(len(tokens) + 1), [*tokens, self._vocabulary.end]]
        return float((chosen - total).sum())


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
