"""`python -m scripts.reader.speak SHARD`: renders one shard's utterances at 8 kHz into
build/reader/clips-SHARD.pickle; goes on where it was stopped."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import soxr

from scripts.reader.plan import CLIPS, OUT, ROOT, UNHEARD, lines, voices
from voice.frames import PHONE_RATE
from voice.speaking import kokoro_files, reading
from voice.speaking.kokoro import RATE, phonemes
from voice.speaking.loudness import trim

MODELS = ROOT / "models" / "kokoro"


def kept(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """The text and the sound (float16, 8 kHz) of every clip rendered so far."""
    if path.is_file():
        with path.open("rb") as clips:
            while clips.peek(1):
                yield pickle.load(clips)


def main(shard: str) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = onnxruntime.InferenceSession(
        str(MODELS / kokoro_files.MODEL), options, ["CPUExecutionProvider"]
    )
    known = json.loads((MODELS / kokoro_files.VOCAB).read_text(encoding="utf-8"))["vocab"]
    reading.prepare(OUT)
    path = OUT / f"clips-{shard}.pickle"
    wanted = range((CLIPS | UNHEARD)[shard])
    done = sum(1 for _ in kept(path))
    with path.open("ab") as clips:
        for number, line in zip(wanted, lines(shard, voices()), strict=False):
            if number < done:
                continue
            tokens = [known[sound] for sound in phonemes(line.text) if sound in known]
            feed = {
                "tokens": np.array([[0, *tokens, 0]], np.int64),
                "style": line.style[len(tokens) - 1],
                "speed": np.array([line.speed], np.float32),
            }
            sound = trim(np.asarray(model.run(["audio"], feed)[0], np.float32).ravel(), RATE)
            pickle.dump((line.text, soxr.resample(sound, RATE, PHONE_RATE).astype("f2")), clips)


if __name__ == "__main__":
    main(sys.argv[1])
