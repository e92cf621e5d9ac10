"""Labelled utterances of tests/dialogue as a telephone brings them: spoken by simulated voices,
with noise and lost packets. Two sets that share no sentence: `tune`, to set thresholds with, and
`test`, to measure with."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from tests.dialogue.corpus import Labelled, read
from voice.frames import PHONE_RATE
from voice.speaking import open_speaker
from voice.telephone import alaw_decode, alaw_encode, through_telephone

ROOT = Path(__file__).resolve().parents[2]
VOICES = ("zm_yunxi", "zf_xiaoxiao", "zf_xiaoyi")  # callers; the bot is zf_xiaobei
RATE = 1.25  # the voices speak slowly by themselves
LONGEST = 12  # characters
SIZES = {"yes": 70, "no": 60, "unclear": 25, "human": 25, "repeat": 8, "complain": 8, "slower": 6}
SHORT = {
    "tune": {
        "yes": "是 好 对的 清楚 知道 可以 没错 同意 行 收到了 是我 明白",
        "no": "不 不是 没有 不清楚 不对 不行 没收到 不明白",
        "human": "人工 转人工",
    },
    "test": {
        "yes": "对 好的 是的 清楚了 知道了 没问题 确认 方便 了解 好啊 对对 是啊",
        "no": "不是的 不知道 不好 不同意 没 不可以 没签 不了解",
        "human": "找人工 人工服务",
    },
}
"""The commonest answers of all, beside what the sets of tests/dialogue hold."""

# What a Mandarin voice cannot say as it is meant: Cantonese, Latin letters, a recogniser's errors.
_UNSPEAKABLE = re.compile(r"[^\u4e00-\u9fff，？。]|[唔冇嘅佢系咗喺啱咩乜睇晒啲喇㗎哋搵呃俾]")
_LOSS = 0.04  # chance that a burst of lost packets begins at a frame
_BURST = (1, 3)  # 20 ms packets

Split = Literal["tune", "test"]


@dataclass(frozen=True, slots=True)
class Condition:
    """What the line does to the voice."""

    name: str
    noise: Literal["", "white", "babble"] = ""
    snr_db: float = 0.0
    loss: bool = False


CONDITIONS = (
    Condition("clean"),
    *(Condition(f"white {db} dB", "white", db) for db in (20, 10, 5)),
    *(Condition(f"babble {db} dB", "babble", db) for db in (20, 10, 5)),
    Condition("packet loss", loss=True),
)


@dataclass(frozen=True, slots=True)
class Said:
    """One spoken utterance."""

    row: Labelled
    pcm: bytes  # 8 kHz s16le, before the telephone


def chosen(split: Split, seed: int = 20261122) -> list[Labelled]:
    """The utterances of a split, the same in every run."""
    rows = read("dev") if split == "tune" else [*read("heldout"), *read("heldout2")]
    rows = [r for r in rows if len(r.text) <= LONGEST and not _UNSPEAKABLE.search(r.text)]
    dice = random.Random(seed)
    picked: list[Labelled] = []
    for label, texts in SHORT[split].items():
        for text in texts.split():
            answer = label if label in ("yes", "no") else "unclear"
            request = None if label in ("yes", "no") else label
            picked.append(Labelled("+", text, answer, request))  # type: ignore[arg-type]
    for label, size in SIZES.items():
        found = [r for r in rows if r.label == label]
        picked += dice.sample(found, min(size, len(found)))
    return list({(r.question, r.text): r for r in picked}.values())


async def speak(split: Split, folder: Path) -> list[Said]:
    """Every utterance of a split, the voices taking turns; rendered once, then read from
    `folder`."""
    rows = chosen(split)
    said: dict[int, Said] = {}
    for turn, voice in enumerate(VOICES):
        speaker = open_speaker(ROOT / "models", folder, "kokoro", voice=voice, threads=1)
        await speaker.start()
        try:
            for number in range(turn, len(rows), len(VOICES)):
                clip = await speaker.render(rows[number].text, rate=RATE, sample_rate=PHONE_RATE)
                said[number] = Said(rows[number], clip.pcm)
        finally:
            await speaker.close()
    return [said[number] for number in sorted(said)]


def on_the_line(said: Said, others: Sequence[Said], condition: Condition, seed: int) -> bytes:
    """A line on which `said` is spoken after four seconds without speech: 8 kHz, A-law decoded."""
    quiet = bytes(PHONE_RATE * 2)
    clip = quiet * 4 + said.pcm + quiet
    if condition.noise == "white":
        return through_telephone(clip, PHONE_RATE, snr_db=condition.snr_db, seed=seed)
    line = through_telephone(clip, PHONE_RATE)
    if condition.noise == "babble":
        line = _with_babble(line, others, condition.snr_db, seed)
    return _with_loss(line, seed) if condition.loss else line


def _samples(pcm: bytes) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64)


def _level(sound: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Root mean square of the frames within 30 dB of the loudest."""
    power = np.mean(sound[: len(sound) // 160 * 160].reshape(-1, 160) ** 2, axis=1)
    return float(np.sqrt(np.mean(power[power > power.max() / 1000])))


def _with_babble(line: bytes, others: Sequence[Said], snr_db: float, seed: int) -> bytes:
    """Eight other callers at once, each going on for as long as the line."""
    dice = random.Random(seed)
    voice = _samples(line)
    babble = np.zeros(len(voice))
    for _ in range(8):
        talk = b""
        while len(talk) < len(line):
            talk += dice.choice(others).pcm
        at = dice.randrange(0, max(len(talk) - len(line), 1)) // 2 * 2
        heard = _samples(through_telephone(talk[at : at + len(line)], PHONE_RATE))
        babble[: len(heard)] += heard / _level(heard)
    mixed = voice + babble * _level(voice) / _level(babble) / 10 ** (snr_db / 20)
    clipped = np.clip(np.round(mixed), -32768, 32767).astype("<i2")
    return alaw_decode(alaw_encode(clipped.tobytes()))


def _with_loss(line: bytes, seed: int) -> bytes:
    """Short bursts of 20 ms packets that never came, heard as silence."""
    dice = random.Random(seed)
    frames = _samples(line)[: len(line) // 320 * 160].reshape(-1, 160).copy()
    at = 0
    while at < len(frames):
        if dice.random() < _LOSS:
            burst = dice.randint(*_BURST)
            frames[at : at + burst] = 0
            at += burst
        at += 1
    return frames.astype("<i2").tobytes()
