"""`python -m scripts.reader.listen MODEL SHARD`: sends each clip of a shard through the telephone,
at some level, speed and noise, and keeps what the encoder of Whisper base or small makes of it,
with its spelling, in build/reader/states-MODEL-SHARD.npz. Some hold noise, spelt as nothing."""

from __future__ import annotations

import random
import sys

import ctranslate2
import numpy as np
import soxr

from scripts.reader.plan import OUT, ROOT
from scripts.reader.speak import kept
from voice.frames import PHONE_RATE
from voice.listening import mel
from voice.listening.phones import states_of, syllable_units
from voice.listening.whisper import SECOND_WINDOW_S, SHORT_WINDOW_S
from voice.speaking import reading
from voice.telephone import through_telephone

WINDOW_S = {"base": SHORT_WINDOW_S, "small": SECOND_WINDOW_S}  # of a look, as the bot looks
TIMES = {"base": 2, "small": 1}
"""Each clip, heard otherwise each time; those that must be told apart twice as often. The larger
model is slow to listen, and hears well enough to learn from less."""
_EDGE_S = 0.5  # of silence behind a clip longer than the window
EMPTY = 60  # noises only


def on_the_line(sound: np.ndarray, dice: random.Random) -> np.ndarray:
    """`sound` (8 kHz) as it arrives at 16 kHz, -1..1."""
    sound = sound.astype(np.float32)
    sound *= 10 ** (dice.uniform(-22, -3) / 20) * 32767 / max(1e-3, float(np.abs(sound).max()))
    if dice.random() < 0.5:
        sound = soxr.resample(sound, PHONE_RATE, PHONE_RATE * dice.uniform(0.9, 1.12))
    before, after = (int(PHONE_RATE * dice.uniform(0.08, most)) for most in (0.3, 0.25))
    sound = np.concatenate([np.zeros(before), sound, np.zeros(after)])
    noise = np.random.default_rng(dice.randrange(1 << 30))
    if dice.random() < 0.25:
        sound = sound + noise.normal(0, dice.uniform(1, 30), len(sound))
    db = None if dice.random() < 0.35 else dice.choice([25, 20, 20, 15, 10, 8])
    pcm = np.clip(sound, -32768, 32767).astype("<i2").tobytes()
    line = through_telephone(pcm, PHONE_RATE, snr_db=db, seed=dice.randrange(1 << 30))
    heard = np.frombuffer(line, "<i2").astype(np.float32) / 32768
    return soxr.resample(heard, PHONE_RATE, mel.RATE).astype(np.float32)


def nothing(dice: random.Random) -> np.ndarray:
    """A noise without words: hiss, hum or knocks."""
    rng = np.random.default_rng(dice.randrange(1 << 30))
    count = int(PHONE_RATE * dice.uniform(0.2, 1.5))
    hiss = rng.normal(0, 1, count)
    match dice.randrange(3):
        case 0:
            return hiss
        case 1:
            return np.sin(np.arange(count) * dice.uniform(80, 900) * 2 * np.pi / PHONE_RATE)
        case _:
            return hiss * np.exp(-(np.arange(count) % dice.randrange(1500, 6000)) / 150)


def main(whisper: str, shard: str) -> None:
    folder = ROOT / "models" / f"whisper-{whisper}"
    model = ctranslate2.models.Whisper(str(folder), compute_type="int8", intra_threads=1)
    reading.prepare(OUT)

    def look(sound: np.ndarray) -> np.ndarray:
        window_s = max(WINDOW_S[whisper], len(sound) / mel.RATE + _EDGE_S)
        frames = int(window_s * mel.FRAMES_PER_SECOND) // 2 * 2
        spectrogram = np.ascontiguousarray(mel.log_mel(sound, frames)[None])
        states = np.array(model.encode(ctranslate2.StorageView.from_array(spectrogram)))[0]
        heard = states[: states_of(len(sound) / mel.RATE)]
        return heard.astype(np.float16)  # a copy: the rest is let go

    states, units, texts = [], [], []
    for number, (text, sound) in enumerate(kept(OUT / f"clips-{shard}.pickle")):
        spelt = " ".join(
            unit
            for word in reading.read(text)
            for syllable in word.syllables
            for unit in syllable_units(syllable.rstrip("012345"))
        )
        for time in range(TIMES[whisper] * (1 if shard.isdigit() else 2)):
            states.append(look(on_the_line(sound, random.Random(f"{shard} {number} {time}"))))
            units.append(spelt)
            texts.append(text)
    for number in range(EMPTY):
        dice = random.Random(f"{shard} nothing {number}")
        states.append(look(on_the_line(nothing(dice), dice)))
        units.append("")
        texts.append("")
    np.savez(
        OUT / f"states-{whisper}-{shard}.npz",
        states=np.concatenate(states),
        lengths=[len(one) for one in states],
        units=units,
        texts=texts,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
