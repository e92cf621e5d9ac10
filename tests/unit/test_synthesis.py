"""The queue before the speaking process, whatever becomes of that."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from voice.errors import SpeechFailed
from voice.speaking import synthesis
from voice.speaking.cache import SpeechCache
from voice.speaking.engine import EngineSpec
from voice.speaking.supervisor import Spoken
from voice.speaking.synthesis import ATTEMPTS, Synthesis


class Child:
    """A speaking process that raises `faults` first, one at each text."""

    name, rate, pace, cpu_s, alive = "scripted", 24_000, 1.0, 0.0, True
    faults: ClassVar[list[Exception]] = []

    @classmethod
    async def start(cls, _spec: EngineSpec, **_: Any) -> Child:
        return cls()

    async def speak(self, _text: str) -> Spoken:
        if self.faults:
            raise self.faults.pop()
        return Spoken(np.sin(np.arange(24_000, dtype=np.float32) / 10) / 4, 0.1)

    async def kill(self) -> None: ...


async def test_a_fault_nobody_foresaw_costs_one_sentence_and_not_all_that_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No room for another thread, no file handle for another process: callers wait in silence for
    whatever is not rendered yet."""
    monkeypatch.setattr(synthesis, "SpeechChild", Child)
    monkeypatch.setattr(Child, "faults", [OSError(24, "Too many open files")] * ATTEMPTS)
    engine = Synthesis([EngineSpec("pyttsx3", "", "", "")], SpeechCache(tmp_path), None)
    await engine.start()
    try:
        async with asyncio.timeout(10):
            with pytest.raises(SpeechFailed):
                await engine.speak("您好。", urgent=True)
            assert (await engine.speak("再见。", urgent=True)).voice == "scripted"
    finally:
        await engine.close()
