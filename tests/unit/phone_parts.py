"""Parts of a telephone call for tests: a real server on a free port, scripted ears and voice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import uuid4

import numpy as np

from voice.audiosocket_connection import AudioSocketConnection, Limits
from voice.audiosocket_server import AudioSocketServer
from voice.caller import SimulatedCaller
from voice.errors import SpeechFailed
from voice.frames import PHONE_RATE, LineEvent, Transcript
from voice.listening.closed_set import ClosedSet
from voice.listening.hearer import Ears
from voice.listening.stream import OpenSession
from voice.listening.vad import Vad
from voice.pacing import Pacer
from voice.phone import PhoneLine


def tone(ms: int, hz: float = 440.0, level: float = 8000.0) -> bytes:
    """A sine, s16le 8 kHz."""
    n = np.arange(PHONE_RATE * ms // 1000)
    return bytes((level * np.sin(2 * np.pi * hz / PHONE_RATE * n)).astype("<i2").tobytes())


def babble(ms: int, seed: int, level: float = 6000.0) -> bytes:
    """Something like speech, s16le 8 kHz: a voice that glides, in syllables of a quarter second."""
    rng = np.random.default_rng(seed)
    n = PHONE_RATE * ms // 1000
    pitch = np.interp(
        np.arange(n), np.arange(0, n + 1600, 800), 120 + 100 * rng.random(n // 800 + 2)
    )
    phase = 2 * np.pi * np.cumsum(pitch) / PHONE_RATE
    loudness = rng.random(12)
    voice = sum(loudness[k] / (k + 1) * np.sin((k + 1) * phase) for k in range(12))
    syllables = np.abs(np.sin(np.pi * 4 * np.arange(n) / PHONE_RATE)) ** 0.5
    sound = voice * syllables + rng.normal(0, 0.02, n)
    return bytes((level * np.clip(sound, -2, 2)).astype("<i2").tobytes())


class LevelVad:
    """Loud is speech."""

    def speaking(self, frame: bytes) -> bool:
        return bool(np.abs(np.frombuffer(frame, dtype="<i2")).max() > 1000)


@dataclass
class ScriptedEars:
    """Hears the texts of its script, one an utterance; an exception in it is raised."""

    script: list[str | Exception]
    streaming: ClassVar[bool] = False
    delay_s: float = 0.0
    asked: list[tuple[bytes, ClosedSet | None]] = field(default_factory=list)

    async def open(self, rate: int, answers: ClosedSet | None = None) -> OpenSession:
        raise NotImplementedError

    async def transcribe(
        self, pcm: bytes, rate: int, answers: ClosedSet | None = None
    ) -> Transcript:
        self.asked.append((pcm, answers))
        text = self.script.pop(0)
        await asyncio.sleep(self.delay_s)
        if isinstance(text, Exception):
            raise text
        return Transcript(text, 0.9, 0.1, "script", 1.0)


@dataclass(frozen=True)
class Sound:
    pcm: bytes
    voice: str = "script"


@dataclass
class ScriptedSpeaker:
    """A text is spoken as a tone of so many milliseconds: "a 500" has half a second. "speech" is
    spoken as `babble`. "slow" is not ready before `release`; "broken" cannot be spoken; "empty" has
    no sound."""

    release: asyncio.Event = field(default_factory=asyncio.Event)
    rendered: list[tuple[str, bool]] = field(default_factory=list)

    async def render(
        self,
        text: str,
        *,
        rate: float = 1.0,
        gain_db: float = 0.0,
        sample_rate: int = 8000,
        urgent: bool = False,
    ) -> Sound:
        self.rendered.append((text, urgent))
        if text.startswith("slow"):
            await self.release.wait()
        if text.startswith("broken"):
            raise SpeechFailed("the engine is gone")
        if text.startswith("empty"):
            return Sound(b"")
        ms = int(text.rsplit(maxsplit=1)[-1])
        # Not the pitch of the tests' callers: that would be an echo.
        return Sound(babble(ms, seed=1) if text.startswith("speech") else tone(ms, hz=620))


class MemoryTap:
    """Keeps both sides."""

    def __init__(self) -> None:
        self.caller, self.bot = bytearray(), bytearray()

    def write(self, caller: bytes, bot: bytes) -> None:
        self.caller += caller
        self.bot += bot


@dataclass
class Call:
    """Both ends of one call over real TCP."""

    line: PhoneLine
    caller: SimulatedCaller
    connection: AudioSocketConnection
    tap: MemoryTap
    port: int  # of the server

    async def next(self, kind: type[LineEvent], within_s: float = 3.0) -> LineEvent:
        event = await asyncio.wait_for(self.line.next(), within_s)
        assert isinstance(event, kind), event
        return event


@asynccontextmanager
async def serving(
    on_call: Callable[[str, AudioSocketConnection], Awaitable[None]],
    known: set[str] | None = None,
    limits: Limits | None = None,
) -> AsyncIterator[AudioSocketServer]:
    """A server on a free port; without `known` every UUID is."""
    server = AudioSocketServer(
        lambda uuid: known is None or uuid in known, on_call, port=0, limits=limits
    )
    await server.start()
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def calling(
    ears: Ears,
    speaker: ScriptedSpeaker,
    vad: Vad | None = None,
    *,
    speechlike: Callable[[bytes, int], bool] = lambda _pcm, _rate: True,
    filler: str = "",
) -> AsyncIterator[Call]:
    """One call in progress. Its "speech" is tones, so everything is like speech unless told."""
    pacer, tap = Pacer(), MemoryTap()
    lines: asyncio.Queue[tuple[PhoneLine, AudioSocketConnection]] = asyncio.Queue()
    over = asyncio.Event()

    async def on_call(uuid: str, connection: AudioSocketConnection) -> None:
        line = PhoneLine(
            *(connection, ears, speaker, pacer, tap),
            vad=vad or LevelVad(),
            speechlike=speechlike,
            filler=filler,
        )
        lines.put_nowait((line, connection))
        await over.wait()
        await line.close()

    async with serving(on_call) as server, SimulatedCaller() as caller:
        await caller.connect("127.0.0.1", server.port, uuid4())
        line, connection = await lines.get()
        try:
            yield Call(line, caller, connection, tap, server.port)
        finally:
            over.set()
    await pacer.close()
