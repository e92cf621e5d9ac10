"""Reading sound files, and the pool that shares a recogniser."""

from __future__ import annotations

import asyncio
import threading
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.errors import RecognitionFailed
from voice.frames import Transcript
from voice.listening.closed_set import ClosedSet
from voice.listening.files import SoundFileError, hear, read_wav
from voice.listening.pool import BUSY_PER_THREAD, RecogniserPool
from voice.listening.pressure import CALM_S, Pressure


def write(path: Path, data: bytes, *, rate: int = 8000, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)
    return path


class Counting:
    """A recogniser whose text is the number of samples it was given; waits for `go` if told to."""

    name = "counting"
    streaming = False

    def __init__(self, go: threading.Event | None = None) -> None:
        self.go = go
        self.begun = threading.Event()
        self.abandoned = 0
        self.hurried = 0

    def session(self, rate: int, answers: ClosedSet | None = None) -> Counted:
        return Counted(self, rate)


class Counted:
    def __init__(self, owner: Counting, rate: int) -> None:
        self.owner, self.rate, self.pcm = owner, rate, b""

    def abandon(self) -> None:
        self.owner.abandoned += 1

    def hurry(self) -> None:
        self.owner.hurried += 1

    def accept(self, pcm: bytes) -> str | None:
        self.pcm += pcm
        return str(len(self.pcm) // 2)

    def finish(self) -> Transcript:
        self.owner.begun.set()
        if self.owner.go is not None:
            assert self.owner.go.wait(10)
        if not self.pcm:
            raise ZeroDivisionError("an engine's own trouble, with words of the caller")
        return Transcript(str(len(self.pcm) // 2), 1.0, 0.0, f"counting@{self.rate}", 0.0)


@pytest.mark.parametrize(("width", "dtype"), [(1, "u1"), (2, "<i2"), (4, "<i4")])
@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [8000, 44100])
def test_any_width_channels_and_rate(
    tmp_path: Path, width: int, dtype: str, channels: int, rate: int
) -> None:
    wave_ = np.sin(np.arange(rate) / rate * 2 * np.pi * 300) * 0.5
    scaled = wave_ * 127 + 128 if width == 1 else wave_ * (2 ** (8 * width - 1) - 1)
    data = np.repeat(scaled.astype(dtype), channels).tobytes()
    sound = read_wav(write(tmp_path / "a.wav", data, rate=rate, channels=channels, width=width))
    assert (sound.rate, sound.seconds) == (rate, 1.0)
    back = np.frombuffer(sound.pcm, dtype="<i2") / 32767
    assert np.abs(back - wave_).max() < 0.02


def test_24_bits_keep_their_sign(tmp_path: Path) -> None:
    samples = [0, 2**22, -(2**22), -(2**23)]
    data = b"".join(s.to_bytes(3, "little", signed=True) for s in samples)
    pcm = read_wav(write(tmp_path / "a.wav", data, width=3)).pcm
    assert np.frombuffer(pcm, dtype="<i2").tolist() == [0, 16383, -16383, -32767]


def test_a_rate_no_recogniser_takes_is_converted(tmp_path: Path) -> None:
    sound = read_wav(write(tmp_path / "a.wav", bytes(4000 * 2), rate=4000))
    assert (sound.rate, sound.seconds) == (16000, 1.0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a PCM WAV"),
        (b"RIFF", "not a PCM WAV"),
        (b"ID3" + bytes(400), "not a PCM WAV"),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x07\0\1\0\x40\x1f\0\0\x40\x1f\0\0\1\0\x08\0", "WAV"),
    ],
)
def test_other_files_are_refused_in_plain_words(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(SoundFileError, match=said) as error:
        read_wav(path)
    assert str(path) in str(error.value)


def test_missing_empty_and_endless_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SoundFileError, match="no such file"):
        read_wav(tmp_path / "none.wav")
    with pytest.raises(SoundFileError, match="cannot be read"):
        read_wav(tmp_path)
    with pytest.raises(SoundFileError, match="no sound"):
        read_wav(write(tmp_path / "empty.wav", b""))
    with pytest.raises(SoundFileError, match="longer than 300 s"):
        read_wav(write(tmp_path / "long.wav", bytes(8000 * 301), width=1))


def test_hear_gives_the_file_to_the_recogniser(tmp_path: Path) -> None:
    heard = hear(write(tmp_path / "a.wav", bytes(16000)), Counting())
    assert (heard.transcript.text, heard.transcript.engine) == ("8000", "counting@8000")
    assert heard.seconds == 1.0
    assert heard.ms > 0


async def test_pool_transcribes_and_streams() -> None:
    pool = RecogniserPool(Counting(), 1)
    assert (await pool.transcribe(bytes(640), 8000)).text == "320"
    stream = await pool.open(16000)
    assert [await stream.accept(bytes(64)) for _ in range(3)] == ["32", "64", "96"]
    assert (await stream.finish()).engine == "counting@16000"
    await pool.close()
    await pool.close()
    with pytest.raises(RecognitionFailed, match="shut down"):
        await pool.transcribe(bytes(640), 8000)


async def test_full_queue_is_told_at_once_and_empties_again() -> None:
    go, depths = threading.Event(), list[int]()
    pool = RecogniserPool(Counting(go), 1, queue=2, on_depth=depths.append)
    waiting = [asyncio.create_task(pool.transcribe(bytes(2), 8000)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(RecognitionFailed, match="2 utterances wait") as error:
        await pool.transcribe(bytes(2), 8000)
    assert error.value.retryable
    assert pool.depth == 2
    go.set()
    await asyncio.gather(*waiting)
    await pool.transcribe(bytes(2), 8000)
    await pool.close()
    assert max(depths) == 2
    assert pool.depth == 0


async def test_cancelled_caller_leaves_the_queue() -> None:
    go = threading.Event()
    pool = RecogniserPool(Counting(go), 1, queue=2)
    running, waiting = (asyncio.create_task(pool.transcribe(bytes(2), 8000)) for _ in range(2))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert pool.depth == 1
    go.set()
    await running
    await pool.close()


async def test_who_is_on_a_thread_hurries_while_others_wait_for_one() -> None:
    engine = Counting(threading.Event())
    assert engine.go is not None
    pool = RecogniserPool(engine, 1)
    running = asyncio.create_task(pool.transcribe(bytes(2), 8000))
    assert await asyncio.to_thread(engine.begun.wait, 10)
    assert engine.hurried == 0
    waiting = asyncio.create_task(pool.transcribe(bytes(2), 8000))
    await asyncio.sleep(0)
    assert engine.hurried == 1
    engine.go.set()
    await asyncio.gather(running, waiting)
    assert engine.hurried == 1, "the last in the queue has time"
    await pool.close()


async def test_what_runs_already_is_told_that_nobody_waits() -> None:
    engine = Counting(threading.Event())
    pool = RecogniserPool(engine, 1, queue=2)
    running = asyncio.create_task(pool.transcribe(bytes(2), 8000))
    assert await asyncio.to_thread(engine.begun.wait, 10)
    assert engine.abandoned == 0
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert engine.abandoned == 1
    assert engine.go is not None
    engine.go.set()
    assert (await pool.transcribe(bytes(4), 8000)).text == "2"  # its thread is free again
    await pool.close()


async def test_engine_failure_is_retryable_and_tells_nothing_personal() -> None:
    pool = RecogniserPool(Counting(), 1)
    with pytest.raises(RecognitionFailed, match="ZeroDivisionError") as error:
        await pool.transcribe(b"", 8000)
    assert "words of the caller" not in str(error.value)
    await pool.close()


def test_pressure_comes_at_once_and_goes_after_a_while() -> None:
    pressure = Pressure(8)
    pressure.update(7, 10.0)
    assert not pressure.busy(10.0)
    pressure.update(8, 11.0)
    assert pressure.busy(11.0)
    pressure.update(5, 12.0)  # shorter, but not short
    assert pressure.busy(60.0)
    pressure.update(4, 60.0)
    assert pressure.busy(60.0 + CALM_S - 0.1)
    pressure.update(5, 64.0)  # the calm did not last
    assert pressure.busy(90.0)
    pressure.update(0, 90.0)
    assert not pressure.busy(90.0 + CALM_S)
    with pytest.raises(ValueError, match="at least 1"):
        Pressure(0)


@given(st.lists(st.tuples(st.integers(0, 20), st.floats(0, 20)), max_size=60))
def test_pressure_is_busy_only_after_the_bound_and_never_for_ever(
    steps: list[tuple[int, float]],
) -> None:
    pressure, now, reached = Pressure(8), 0.0, False
    for depth, wait in steps:
        now += wait
        pressure.update(depth, now)
        reached |= depth >= 8
        assert not pressure.busy(now) or reached
        assert pressure.busy(now) or depth < 8
    pressure.update(0, now)
    assert not pressure.busy(now + CALM_S + 0.01)  # floats


async def test_a_crowded_pool_sends_new_calls_away_before_it_refuses_words() -> None:
    go, now = threading.Event(), [0.0]
    pool = RecogniserPool(Counting(go), 1, now=lambda: now[0])
    waiting = [asyncio.create_task(pool.transcribe(bytes(2), 8000)) for _ in range(BUSY_PER_THREAD)]
    assert not pool.saturated
    await asyncio.sleep(0)
    assert pool.saturated
    assert pool.depth < pool.capacity  # the running calls still have room
    go.set()
    await asyncio.gather(*waiting)
    assert pool.saturated
    now[0] += CALM_S
    assert not pool.saturated
    await pool.close()
