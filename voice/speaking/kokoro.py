"""Kokoro-82M on onnxruntime: natural Mandarin at 24 kHz. Imported by the speaking child only.

The model takes at most 510 phonemes and has no streaming inside a call, so a long text is spoken in
pieces cut at its punctuation. The style row is the one for the piece's number of phonemes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from misaki.zh import ZHG2P

from voice.dsp import Samples
from voice.speaking import kokoro_files, reading
from voice.speaking.engine import EngineSpec
from voice.speaking.loudness import trim
from voice.speaking.pieces import SENTENCE_END, pieces

RATE: Final = 24_000
MAX_PHONEMES: Final = 400
"""Of the model's 510: its authors warn that longer texts are rushed."""
PACES: Final = {"zf_xiaobei": 0.83, "zm_yunxi": 0.64, "zf_xiaoxiao": 0.71, "zf_xiaoyi": 0.68}
"""See `Engine.pace`. The model's own speed input stays at 1: slowed by it, xiaobei is understood
worse (pinyin error 4.1 % at 0.8) than slowed by stretching (2.8 % at 0.85, 3.1 % at 0.65)."""
SENTENCE_GAP_S: Final = 0.30
CLAUSE_GAP_S: Final = 0.15
_SYLLABIC: Final = chr(0x32F)
"""A mark under some vowels that the model has no token for."""


class Kokoro:
    """The engine. Refuses model files whose hash is not the released one (ModelError)."""

    rate = RATE

    def __init__(self, spec: EngineSpec) -> None:
        folder = Path(spec.folder)
        kokoro_files.check(folder, spec.voice)
        self.name = f"kokoro {spec.voice}@{kokoro_files.SHA256[kokoro_files.MODEL][:12]}"
        vocabulary = json.loads((folder / kokoro_files.VOCAB).read_text(encoding="utf-8"))
        self._vocabulary: dict[str, int] = vocabulary["vocab"]
        self.pace = PACES[spec.voice]
        styles = np.fromfile(folder / "voices" / f"{spec.voice}.bin", dtype="<f4")
        self._styles = styles.reshape(-1, 1, 256)
        reading.prepare(Path(spec.scratch))
        self._session = onnxruntime.InferenceSession(
            str(folder / kokoro_files.MODEL), options(spec.threads), ["CPUExecutionProvider"]
        )

    def speak(self, text: str) -> Iterator[Samples]:
        """Pieces with the pauses between them. Raises ValueError when there is nothing to speak."""
        cut = list(pieces(text, lambda piece: len(self._tokens_of(piece)) <= MAX_PHONEMES))
        for number, piece in enumerate(cut, start=1):
            yield trim(self._synthesise(self._tokens_of(piece)), RATE)
            if number < len(cut):
                gap = SENTENCE_GAP_S if piece[-1] in SENTENCE_END else CLAUSE_GAP_S
                yield np.zeros(int(gap * RATE), np.float32)

    def _tokens_of(self, text: str) -> list[int]:
        """What the model does not know (there is none for normalised text) is left out."""
        return [self._vocabulary[p] for p in phonemes(text) if p in self._vocabulary]

    def _synthesise(self, tokens: list[int]) -> Samples:
        if not tokens:
            raise ValueError("nothing to speak")
        feed = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": self._styles[len(tokens) - 1],
            "speed": np.ones(1, np.float32),
        }
        return np.asarray(self._session.run(["audio"], feed)[0], np.float32).ravel()


def phonemes(text: str) -> str:
    """Of normalised text, in the letters that the voices were trained on."""
    spelt: list[str] = []
    for word in reading.read(text):
        sounds = "".join(map(ZHG2P.py2ipa, word.syllables))
        between = " " if sounds and spelt and not spelt[-1].endswith(" ") else ""
        spelt.append(between + (sounds or ZHG2P.map_punctuation(word.text) + " "))
    return "".join(spelt).replace(_SYLLABIC, "").strip()


def options(threads: int) -> onnxruntime.SessionOptions:
    """Threads that have nothing to do sleep: by default they spin, which here takes time from the
    recogniser and makes no sound begin sooner; the sound is the same, sample for sample."""
    chosen = onnxruntime.SessionOptions()
    chosen.intra_op_num_threads = threads
    chosen.inter_op_num_threads = 1
    chosen.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return chosen
