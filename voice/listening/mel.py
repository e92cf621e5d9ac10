"""Whisper's input: a log-mel spectrogram, the same numbers as `openai/whisper` `audio.py`.

16 kHz, Hann windows of 25 ms every 10 ms, 80 triangular filters on the Slaney mel scale with area
normalisation (librosa's default, not HTK).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE = 16000  # Hz
WINDOW = 400  # samples of one Fourier transform
HOP = 160  # samples from frame to frame: 10 ms
FRAMES_PER_SECOND = RATE // HOP
BANDS = 80

Floats = NDArray[np.float32]

_FAINTEST = np.float32(1e-10)  # power; silence has this

_BREAK_HZ = 1000.0  # the Slaney scale is linear below, logarithmic above
_MEL_PER_HZ = 3 / 200
_LOG_STEP = np.log(6.4) / 27.0


def hz_to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's mel scale (Auditory Toolbox)."""
    above = _BREAK_HZ * _MEL_PER_HZ + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz < _BREAK_HZ, hz * _MEL_PER_HZ, above)


def mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of `hz_to_mel`."""
    break_mel = _BREAK_HZ * _MEL_PER_HZ
    above = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mel, break_mel) - break_mel))
    return np.where(mel < break_mel, mel / _MEL_PER_HZ, above)


@cache
def filterbank() -> Floats:
    """The 80 filters, shape (80, 201); each has unit area over frequency."""
    bins = np.linspace(0.0, RATE / 2, WINDOW // 2 + 1)
    top = hz_to_mel(np.array([RATE / 2]))[0]
    edges = mel_to_hz(np.linspace(0.0, top, BANDS + 2))
    width = np.diff(edges)
    ramps = edges[:, None] - bins[None, :]
    rising = -ramps[:-2] / width[:-1, None]
    falling = ramps[2:] / width[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    area = 2.0 / (edges[2:] - edges[:-2])
    return np.asarray(triangles * area[:, None], dtype=np.float32)


@cache
def _hann() -> Floats:
    """The periodic Hann window, as torch.hann_window gives it."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)


def log_mel(sound: Floats, frames: int) -> Floats:
    """The spectrogram of `sound` (16 kHz, -1..1), padded with silence or cut to `frames` of 10 ms.

    Returns float32 of shape (80, frames)."""
    # What follows the sound is silence: its columns are known without a transform.
    filled = min(frames, -(-len(sound) // HOP) + 3)
    samples = filled * HOP
    padded = np.zeros(samples, dtype=np.float32)
    padded[: min(len(sound), samples)] = sound[:samples]
    centred = np.pad(padded, WINDOW // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(centred, WINDOW)[::HOP][:filled]
    power = np.abs(np.fft.rfft(windows * _hann(), axis=1)).astype(np.float32) ** 2
    mel = np.full((BANDS, frames), np.log10(_FAINTEST), dtype=np.float32)
    mel[:, :filled] = np.log10(np.maximum(filterbank() @ power.T, _FAINTEST))
    mel = np.maximum(mel, mel.max() - 8.0)
    return np.ascontiguousarray((mel + 4.0) / 4.0, dtype=np.float32)
