"""Vosk (Kaldi): text while the caller still speaks.

Small wideband models do not survive a telephone (measured: 13-18 % CER at 16 kHz, 64-77 % at 8 kHz
for the Korean one): measure a model at the line's own rate before trusting it.

Beside the free recognition a second one hears only the closed set of answers (a grammar). Kaldi
drops words it does not know from a grammar without a word; here they are reported.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import structlog
import vosk

from voice.errors import ModelError, RecognitionFailed
from voice.frames import Transcript
from voice.listening.closed_set import ClosedSet, ratios
from voice.listening.grammar import Grammar, compile_grammar

LATTICE_BEAM = 2.0  # log units; Vosk's small models do not list an alternative worse than that
_ALTERNATIVES = 10
_NEEDED = ("am/final.mdl", "conf/mfcc.conf", "graph")

log = structlog.get_logger()


class Vosk:
    """A loaded model, shared between calls. Recognisers (21.6 MB each) are kept for the next
    session, so a process has as many as it had sessions at one time."""

    streaming = True

    def __init__(self, folder: Path) -> None:
        """See `load`."""
        self.name = f"vosk {folder.name}"
        try:
            self._model: Any = vosk.Model(str(folder))
        except Exception as error:  # the binding raises nothing more precise
            raise ModelError(f"the Vosk model in {folder} cannot be loaded") from error
        self._dynamic = (folder / "graph" / "Gr.fst").is_file()
        self._lock = threading.Lock()
        self._idle: dict[tuple[int, bool], list[Any]] = defaultdict(list)
        self._grammars: dict[ClosedSet, Grammar] = {}

    def grammar(self, answers: ClosedSet) -> Grammar:
        """The grammar of a closed set, and which of its candidates the model cannot hear. Worth
        asking for when a questionnaire is loaded; those candidates are logged once."""
        found = self._grammars.get(answers)
        if found is None:
            found = compile_grammar(answers.phrases, self._knows)
            if found.unknown:
                log.warning("vosk.vocabulary", model=self.name, unknown=list(found.unknown))
            self._grammars[answers] = found
        return found

    def session(self, rate: int, answers: ClosedSet | None = None) -> VoskSession:
        """Begin an utterance at `rate` Hz. Without `answers`, or with a model whose graph is
        static, the transcript carries no scores. Raises ValueError outside 8 to 96 kHz."""
        if not 8000 <= rate <= 96000:
            raise ValueError(f"a rate of {rate} Hz; 8000 to 96000 is possible")
        return VoskSession(self, rate, answers if self._dynamic else None)

    def _knows(self, word: str) -> bool:
        return bool(self._model.vosk_model_find_word(word) >= 0)

    def borrow(self, rate: int, grammar: Grammar | None) -> Any:
        """A recogniser for one session, free (None) or for a grammar. Give it back."""
        with self._lock:
            idle = self._idle[rate, grammar is not None]
            recogniser = idle.pop() if idle else None
        if grammar is None:
            if recogniser is None:
                recogniser = vosk.KaldiRecognizer(self._model, float(rate))
                recogniser.SetWords(True)
        elif recogniser is None:
            recogniser = vosk.KaldiRecognizer(self._model, float(rate), grammar.json)
            recogniser.SetMaxAlternatives(_ALTERNATIVES)
        else:
            recogniser.SetGrammar(grammar.json)
        return recogniser

    def give_back(self, rate: int, scored: bool, recogniser: Any) -> None:
        """Keep it for the next session."""
        recogniser.Reset()
        with self._lock:
            self._idle[rate, scored].append(recogniser)


class VoskSession:
    """One utterance: free recognition, and the grammar's where answers were given."""

    def __init__(self, owner: Vosk, rate: int, answers: ClosedSet | None) -> None:
        self._owner = owner
        self._rate = rate
        self._answers = answers
        grammar = owner.grammar(answers) if answers else None
        self._free = owner.borrow(rate, None)
        self._closed = owner.borrow(rate, grammar) if grammar and grammar.phrases else None
        self._done: list[dict[str, Any]] = []  # stretches that Kaldi itself saw the end of
        self._alternatives: list[list[dict[str, Any]]] = []
        self._spent = 0.0

    def accept(self, pcm: bytes) -> str:
        """Take more sound; returns the text so far. Raises RecognitionFailed."""
        began = time.perf_counter()
        try:
            if self._closed is not None and self._closed.AcceptWaveform(pcm):
                self._alternatives.append(json.loads(self._closed.Result())["alternatives"])
            if self._free.AcceptWaveform(pcm):
                self._done.append(json.loads(self._free.Result()))
                partial = ""
            else:
                partial = json.loads(self._free.PartialResult())["partial"]
        except Exception as error:  # the binding raises nothing more precise
            raise RecognitionFailed("the Vosk engine failed on an utterance") from error
        self._spent += time.perf_counter() - began
        return _joined([*(d["text"] for d in self._done), partial])

    def abandon(self) -> None:
        """What costs time was done while the caller spoke."""

    def hurry(self) -> None:
        """Nothing could be left out."""

    def finish(self) -> Transcript:
        """The transcript of all sound. `ms` is the decoding time of the whole utterance."""
        began = time.perf_counter()
        self._done.append(json.loads(self._free.FinalResult()))
        self._owner.give_back(self._rate, False, self._free)
        if self._closed is not None:
            self._alternatives.append(json.loads(self._closed.FinalResult())["alternatives"])
            self._owner.give_back(self._rate, True, self._closed)
        words = [w["conf"] for d in self._done for w in d.get("result", ())]
        self._spent += time.perf_counter() - began
        return Transcript(
            text=_joined([d["text"] for d in self._done]),
            confidence=min(sum(words) / len(words), 1.0) if words else 0.0,
            no_speech=0.0 if words else 1.0,
            engine=self._owner.name,
            ms=self._spent * 1000,
            scores=self._scores(),
        )

    def _scores(self) -> dict[str, float]:
        heard = [a for a in self._alternatives if any(i["text"] for i in a)]
        if self._answers is None or len(heard) != 1:
            return {}
        return score(self._answers, {i["text"].replace(" ", ""): i["confidence"] for i in heard[0]})


def score(answers: ClosedSet, heard: dict[str, float]) -> dict[str, float]:
    """The ratios of the closed set from the grammar's alternatives (text without blanks to log
    likelihood). What is not listed is `LATTICE_BEAM` worse than the best; a sequence that is no
    candidate (是再见) speaks against yes like any other rival."""
    if not heard:
        return {}
    known = {text.replace(" ", ""): text for text in answers.phrases}
    listed = {known[text]: value for text, value in heard.items() if text in known}
    strange = max((value for text, value in heard.items() if text not in known), default=None)
    if strange is not None and answers.other:
        listed[answers.other[0]] = max(listed.get(answers.other[0], strange), strange)
    return ratios(answers, listed, max(heard.values()) - LATTICE_BEAM)


def _joined(texts: list[str]) -> str:
    """Kaldi separates words by blanks; Chinese has none, Korean and Latin keep them."""
    whole = " ".join(t for t in texts if t)
    return whole.replace(" ", "") if any("\u4e00" <= c <= "\u9fff" for c in whole) else whole


def load(folder: Path) -> Vosk:
    """Load a Vosk model folder. Raises ModelError where it is none."""
    missing = [name for name in _NEEDED if not (folder / name).exists()]
    if missing:
        raise ModelError(
            f"{folder} is not a Vosk model ({', '.join(missing)} missing); download one from the "
            "Vosk project, unpack it and give its folder with `huifang models add vosk FOLDER`"
        )
    vosk.SetLogLevel(-1)
    return Vosk(folder)
