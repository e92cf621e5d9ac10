"""Our own voice told from the caller's: `python -m tests.bench.bench_echo` writes
build/bench/echo.json.

The bot's sentences in its own Kokoro voice come back by the ways telephones have (a hybrid, rooms
of two lengths of reverberation; 6, 12 or 20 dB down, 20 to 480 ms late, band-limited and A-law
coded); callers with two other voices answer over them or after them, with and without that echo.
All of it goes frame by frame through the line's own ears; only the recogniser is a counter, since
the question is what is given to it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voice.frames import FRAME_BYTES, PHONE_RATE, Transcript, Utterance
from voice.incoming import Incoming
from voice.listening import echo
from voice.listening.closed_set import ClosedSet
from voice.listening.endpoint import Endpointer
from voice.listening.stream import OpenSession
from voice.listening.vad import WebRtcVad
from voice.speaking import open_speaker
from voice.telephone import through_telephone

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build" / "bench" / "echo.json"
BOT, CALLERS = "zf_xiaobei", ("zm_yunxi", "zf_xiaoxiao")
SENTENCES = (
    "您随时可以说转人工，或者按零号键，由人工客服为您办理，您的权益不受任何影响。",
    "这份合同的犹豫期是十五天，在犹豫期内退保，我们退还全部保费。",
    "以上内容您都清楚吗？清楚请说清楚，或者按一号键，不清楚请按二号键。",
    "您每年要交一万二千元，一共交十年，您知道吗？",
)
ANSWERS = "嗯 对 是的 清楚 我知道了 不清楚 没有 转人工 我要转人工，你别说了 等一下，什么意思啊"
WAYS_MS = {"hybrid": 0, "room of 100 ms": 100, "room of 250 ms": 250}  # and their reverberation
CALLS = 60  # of each kind
DOWN_DB = (6, 12, 20)
DELAYS_MS = (20, 60, 120, 250, 480)

Sound = NDArray[np.float64]


@dataclass
class Ears:
    """Counts what it is given; hears nothing."""

    streaming: bool = False
    given: list[int] = field(default_factory=list)  # bytes

    async def transcribe(
        self, pcm: bytes, rate: int, answers: ClosedSet | None = None
    ) -> Transcript:
        self.given.append(len(pcm))
        return Transcript("说话", 1.0, 0.0, "counter", 0.0)

    async def open(self, rate: int, answers: ClosedSet | None = None) -> OpenSession:
        raise NotImplementedError


async def voices() -> tuple[list[Sound], list[Sound]]:
    """What the bot says, and what callers say, 8 kHz."""
    folder, made = ROOT / "build" / "bench" / "speech", []
    for name, texts in ((BOT, SENTENCES), *((caller, ANSWERS.split()) for caller in CALLERS)):
        speaker = open_speaker(ROOT / "models", folder, "kokoro", voice=name)
        await speaker.start()
        try:
            clips = [await speaker.render(text, sample_rate=PHONE_RATE) for text in texts]
        finally:
            await speaker.close()
        made.append([np.frombuffer(c.pcm, dtype="<i2").astype(np.float64) for c in clips])
    return made[0], [sound for caller in made[1:] for sound in caller]


def returned(sent: Sound, reverberation_ms: int, rng: random.Random) -> Sound:
    """What comes back of it."""
    length = max(reverberation_ms * PHONE_RATE // 1000, 1)
    fading = np.random.default_rng(rng.randrange(1 << 30)).standard_normal(length)
    response = fading * np.exp(-6.9 * np.arange(length) / length)  # 60 dB down at its end
    response[0] = 1.0
    response /= np.sqrt(np.sum(response**2)) * 10 ** (rng.choice(DOWN_DB) / 20)
    late = np.zeros(rng.choice(DELAYS_MS) * PHONE_RATE // 1000)
    return np.concatenate([late, np.convolve(sent, response)])[: len(sent)]


async def call(heard: Sound, sent: Sound) -> list[Utterance]:
    """What the line makes of both its sides."""
    got: list[Utterance] = []
    incoming = Incoming(
        Ears(),
        WebRtcVad(),
        Endpointer(),
        rate=PHONE_RATE,
        over=lambda _: None,
        on_utterance=got.append,
    )
    theirs = through_telephone(_pcm(heard), PHONE_RATE)
    ours = _pcm(sent)
    for at in range(0, len(ours) - FRAME_BYTES + 1, FRAME_BYTES):
        incoming.feed(theirs[at : at + FRAME_BYTES], ours[at : at + FRAME_BYTES])
        await asyncio.sleep(0)
    await incoming.finish(10.0)
    return got


def _pcm(sound: Sound) -> bytes:
    return np.clip(np.rint(sound), -32768, 32767).astype("<i2").tobytes()


async def measure(
    ours: list[Sound], callers: list[Sound], way_ms: int | None, answer: str, seed: int
) -> Counter[str]:
    """`way_ms` None: no echo. `answer`: none, over (while we speak), after."""
    rng, counts = random.Random(seed), Counter[str]()
    noise = np.random.default_rng(seed)
    for _ in range(CALLS):
        sentence = rng.choice(ours)
        sent = np.concatenate([np.zeros(8000), sentence, np.zeros(36000)])
        heard = noise.normal(0, 8, len(sent))
        if way_ms is not None:
            heard += returned(sent, way_ms, rng)
        begins = ends = 0
        if answer != "none":
            said = rng.choice(callers) * rng.uniform(0.3, 1.0)
            first, last = (8000, 8000 + len(sentence) - 4000) if answer == "over" else (0, 0)
            begins = (
                rng.randrange(first, last)
                if last
                else 8000 + len(sentence) + rng.randrange(4800, 12000)
            )
            heard[begins : begins + len(said)] += said
            ends = begins + len(said)
        got = await call(heard, sent)
        counts["utterances"] += len(got)
        counts["whole echoes"] += sum(u.is_echo for u in got)
        words = [u for u in got if not u.is_echo]
        if answer == "none":
            counts["echoes taken for speech"] += len(words)
            continue
        middle = (begins + ends) // 2 * 1000 // PHONE_RATE
        counts["answers"] += 1
        counts["answers heard"] += any(u.start_ms <= middle <= u.end_ms for u in words)
    return counts


def cost(ours: list[Sound], seconds: float = 2.0) -> float:
    """Milliseconds of one core to judge an utterance of `seconds` over our own speech."""
    length = int(seconds * PHONE_RATE) // 160 * 160
    sound = np.concatenate([ours[0], ours[1]])
    sent = _pcm(sound[: length + echo.DELAY_MS * 8])
    heard = _pcm(sound[: length + echo.DELAY_MS * 8] * 0.3)[: 2 * length]
    began, rounds = time.process_time(), 20
    for _ in range(rounds):
        echo.others(heard, sent, PHONE_RATE)
    return (time.process_time() - began) / rounds * 1000


async def main() -> None:
    ours, callers = await voices()
    figures: dict[str, Any] = {"cores": os.cpu_count(), "ms_of_2_s": round(cost(ours), 1)}
    for name, way in {"no echo": None, **WAYS_MS}.items():
        for answer in ("none", "over", "after"):
            if way is None and answer == "none":
                continue
            counts = await measure(ours, callers, way, answer, seed=11)
            figures[f"{name}, answer {answer}"] = dict(counts)
            print(f"{name}, answer {answer}: {dict(counts)}", flush=True)
    print(f"an utterance of 2 s costs {figures['ms_of_2_s']} ms of a core")
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(figures, ensure_ascii=False, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    asyncio.run(main())
