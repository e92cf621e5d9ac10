"""Our own voice, come back on the caller's side: a hybrid of an analogue telephone or a loudspeaker
returns it delayed and weaker (ITU-T G.131, G.168). Pure.

What was heard is fitted by a short linear filter of what was sent (least squares, as an echo
canceller does, but once for an utterance and only where we spoke). Where the filter explains most
of the power it is our own voice; a caller who speaks at the same time is not explained. Figures:
`tests.bench.bench_echo`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from voice.dsp import Samples, samples_from
from voice.frames import FRAME_MS

DELAY_MS = 600  # the longest way there and back, jitter buffers and radio included
REMEMBERED_MS = 20_000  # of what was sent; no utterance is longer
PIECE_MS = 400  # long enough to tell an echo from chance
LEFT = 0.5  # share of the power of a frame that an echo's filter leaves at most
VOICE_MS = 120  # of another voice within VOICE_SPAN_MS; a short 对 has 150
VOICE_SPAN_MS = 160
_MARGIN_MS = 60  # of sound kept on both sides of another voice
_RATE = 8000  # Hz, at which filters are fitted: echoes of a wideband line are found there as well


@dataclass(frozen=True, slots=True)
class _Fit:
    """How filters are fitted."""

    piece_ms: int  # sound for one filter …
    step_ms: int  # … and from one piece to the next
    taps: int
    explained: float  # share of the power of a piece, from which the filter is an echo's


# By chance (another voice, the best of all delays) they explain at most 0.40, 0.57 and 0.18; of a
# piece that is mostly silence and then a first syllable up to 0.67: see `_missed`.
_PLAIN = _Fit(PIECE_MS, PIECE_MS, 128, 0.6)
_CLOSER = (
    _Fit(240, 120, 64, 0.65),  # a jitter buffer moves the delay in mid-utterance
    _Fit(1200, 600, 384, 0.45),  # a room answers for longer than a hybrid
)
_COARSE = 4  # samples taken as one where the delay is looked for
_ALIKE = 0.25  # correlation, at this coarse look, under which nothing is fitted
_POSSIBLE = 0.25  # share explained by a plain fit from which a closer look is worth its cost
_BEFORE = 32  # of the taps before the strongest
_RIDGE = 1e-3  # of the mean power; keeps the fit from inventing what was not sent
_QUIET = 10 ** (-50 / 10)  # mean square of full scale; nothing below is taken for speech
_WEAK = 10 ** (-30 / 10)  # of the loudest frame; what is weaker says nothing of whose voice it is
_LOUD = 10 ** (-40 / 10)  # mean square of full scale of an echo that is heard on any line …
_MISSING = 0.05  # … and less than this share of its power is not it
_MISSED = 5  # such frames, from which the filter is a chance
_MOVED = 3  # frames by which a jitter buffer may have moved the echo meanwhile
_FRAME = _RATE * FRAME_MS // 1000


@dataclass(frozen=True, slots=True)
class Others:
    """The part of an utterance that is not our own voice, in bytes of its sound; empty if none."""

    start: int
    end: int

    def __bool__(self) -> bool:
        return self.end > self.start


class Sent:
    """What one line sent, the last 20 s of it. Its time is the line's time."""

    def __init__(self, rate: int) -> None:
        """`rate` of the sound, Hz."""
        self._frames: deque[bytes] = deque(maxlen=(REMEMBERED_MS + DELAY_MS) // FRAME_MS)
        self._silence = bytes(rate * FRAME_MS // 1000 * 2)
        self._now = 0  # frames sent

    def add(self, frame: bytes) -> None:
        """The frame of this tick."""
        self._frames.append(frame)
        self._now += 1

    def before(self, start_ms: int, end_ms: int) -> bytes:
        """What an echo between these times can be of: the sound sent from `DELAY_MS` before the
        start to the end, silence where it is not known. Empty if we were silent all the time."""
        first = start_ms // FRAME_MS - DELAY_MS // FRAME_MS
        oldest = self._now - len(self._frames)
        missing = min(max(oldest - first, 0), end_ms // FRAME_MS - first)
        known = list(self._frames)[max(first - oldest, 0) : max(end_ms // FRAME_MS - oldest, 0)]
        sound = b"".join(known)
        silent = sound.count(0) == len(sound)
        return b"" if silent else self._silence * missing + sound


def others(heard: bytes, sent: bytes, rate: int, earlier: bytes = b"") -> Others:
    """What of an utterance is somebody else's voice.

    `heard`: s16le at `rate` Hz (8000 or a multiple), whole frames; `earlier`: what was heard right
    before it, which tells chance from an echo; `sent`: as `Sent.before` gives it for the time of
    both. Raises ValueError where their lengths do not fit."""
    delay = rate * DELAY_MS // 1000 * 2
    if sent and len(sent) != len(earlier) + len(heard) + delay:
        raise ValueError(
            f"{len(earlier) + len(heard)} bytes heard need {delay} more sent, got {len(sent)}"
        )
    everything = Others(0, len(heard))
    if not sent or not heard:
        return everything
    y, x, before = _narrow(heard, rate), _narrow(sent, rate), _narrow(earlier, rate)
    power = _frame_power(y)
    echo = _smooth(_left(y, x, before, power)) < LEFT * _smooth(power)
    if not echo.any():
        return everything
    loud = power > max(float(power.max()) * _WEAK, _QUIET)
    span, needed = VOICE_SPAN_MS // FRAME_MS, VOICE_MS // FRAME_MS
    voiced = np.convolve(loud & ~echo, np.ones(span), "valid") >= needed
    if not voiced.any():
        return Others(0, 0)
    margin, bytes_a_frame = _MARGIN_MS // FRAME_MS, rate * FRAME_MS // 1000 * 2
    at = np.flatnonzero(voiced)
    first, last = int(at[0]) - margin, int(at[-1]) + span + margin
    return Others(max(first, 0) * bytes_a_frame, min(last * bytes_a_frame, len(heard)))


def _left(y: Samples, x: Samples, before: Samples, power: Samples) -> Samples:
    """The power of each frame of `y` that the filters of the pieces around it leave. `before` was
    heard before `y`; `x` begins with what that can be an echo of."""
    left = power.copy()
    if _leave(left, y, x, before, _PLAIN) < _POSSIBLE:
        return left
    for how in _CLOSER:
        if np.all(_smooth(left) < LEFT * _smooth(power)):
            break
        if len(y) >= _RATE * how.piece_ms // 1000:
            _leave(left, y, x, before, how)
    return left


def _leave(left: Samples, y: Samples, x: Samples, before: Samples, how: _Fit) -> float:
    """Lower `left` to what the filters leave. Returns the largest share that one explains."""
    since, x = x, x[len(before) :]
    size, step, best = _RATE * how.piece_ms // 1000, _RATE * how.step_ms // 1000, 0.0
    starts = [max(min(at, len(y) - size), 0) for at in range(0, max(len(y) - step // 2, 1), step)]
    for start in starts:
        piece = y[start : start + size]
        if float(np.mean(piece**2)) < _QUIET:
            continue
        found = _fit(piece, x[start : start + len(piece) + len(x) - len(y)], how.taps)
        if found is None:
            continue
        share, lag, taps = found
        best = max(best, share)
        if share < how.explained or _missed(before, since, lag, taps):
            continue
        first, last = max(start - 3 * size, 0), min(start + 4 * size, len(y))
        source = _part(x, first + lag + _BEFORE - how.taps + 1, last + lag + _BEFORE)
        frames = slice(first // _FRAME, last // _FRAME)
        rest = _frame_power(y[first:last] - np.convolve(source, taps, "valid"))
        left[frames] = np.minimum(left[frames], rest)
    return best


def _missed(y: Samples, x: Samples, lag: int, taps: Samples) -> bool:
    """Whether this filter would have returned what was not heard in `y`: then it is none of the
    line's, but fits the first syllable of another voice by chance, as so many taps can."""
    if not len(y):
        return False
    source = _part(x, lag + _BEFORE - len(taps) + 1, lag + _BEFORE + len(y))
    due = _frame_power(np.convolve(source, taps, "valid"))
    near = sliding_window_view(np.pad(_frame_power(y), _MOVED), 2 * _MOVED + 1)
    loud = due > _LOUD
    missing = int(np.sum(loud & (near.max(axis=1) < due * _MISSING)))
    return missing >= _MISSED and missing > int(np.sum(loud)) // 2


def _fit(y: Samples, x: Samples, count: int) -> tuple[float, int, Samples] | None:
    """The filter of `count` taps that makes most of `y` out of `x`: what share of its power, and
    where in `x` it begins; None where no part of `x` is like it. `x` begins before `y` and is
    longer by the longest delay."""
    lag = _lag(y, x)
    if lag is None:
        return None
    source = _part(x, lag + _BEFORE - count + 1, lag + _BEFORE + len(y))
    size = 1 << (2 * len(source)).bit_length()
    own = np.fft.irfft(np.abs(np.fft.rfft(source, size)) ** 2, size)[:count]
    own[0] *= 1 + _RIDGE
    order = np.arange(count)
    gram = own[np.abs(np.subtract.outer(order, order))]
    taps = np.linalg.solve(gram, np.correlate(source, y, "valid")[::-1])
    left = float(np.sum((y - np.convolve(source, taps, "valid")) ** 2))
    return 1 - left / float(np.sum(y**2)), lag, taps


def _lag(y: Samples, x: Samples) -> int | None:
    """Where in `x` the part begins that is most like `y`; None if it is hardly like it, or weaker:
    no echo is louder than what it is of. Looked for at a quarter of the rate, where most of the
    power of speech is, and then at the full rate around it."""
    slow, fast = (samples.reshape(-1, _COARSE).mean(axis=1) for samples in (y, x))
    size = 1 << (len(slow) + len(fast)).bit_length()
    across = np.fft.irfft(np.fft.rfft(fast, size) * np.conj(np.fft.rfft(slow, size)), size)
    sums = np.concatenate(([0.0], np.cumsum(fast.astype(np.float64) ** 2)))
    powers = sums[len(slow) :] - sums[: -len(slow)]
    floor, total = _QUIET * len(slow), float(np.sum(slow**2))
    likeness = np.abs(across[: len(powers)]) / np.sqrt(np.maximum(powers, floor) * total + 1e-20)
    best = int(np.argmax(likeness))
    if likeness[best] < _ALIKE or powers[best] < total:
        return None
    around = _COARSE * best - _COARSE
    near = np.correlate(_part(x, around, around + len(y) + 2 * _COARSE), y, "valid")
    return max(around + int(np.argmax(np.abs(near))), 0)


def _part(x: Samples, start: int, end: int) -> Samples:
    """`x[start:end]`, silence where it lies outside of it."""
    part = x[max(start, 0) : max(end, 0)]
    whole: Samples = np.pad(part, (max(-start, 0), end - max(start, 0) - len(part)))
    return whole


def _narrow(pcm: bytes, rate: int) -> Samples:
    """At 8 kHz, by averaging: both sides are treated alike."""
    return np.asarray(samples_from(pcm).reshape(-1, rate // _RATE).mean(axis=1))


def _frame_power(samples: Samples) -> Samples:
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    return np.asarray(np.mean(frames**2, axis=1))


def _smooth(power: Samples) -> Samples:
    """Over a tenth of a second: a filter fits syllables, not every frame of them."""
    return np.asarray(np.convolve(power, np.ones(5), "same"))
