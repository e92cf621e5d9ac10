"""A simulated telephone: an AudioSocket client on its own 20 ms clock, for demo, tests and figures.

It does what Asterisk does for a caller: says its UUID, sends a frame of sound every 20 ms whether
somebody speaks or not, sends a digit at key-up, and takes what the bot sends.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Self
from uuid import UUID

import numpy as np

from voice import audiosocket
from voice.audiosocket import Bye, Decoder, Fault
from voice.frames import FRAME_BYTES, SILENCE
from voice.jitter import Jitter
from voice.media import Audio
from voice.pacing import Pacer

SOUND_LEVEL = 150.0  # root mean square of a frame, of 32768: above it something sounds
PAUSE_S = 0.1  # this long without sound, and the next sound is a new one
ON_ITS_WAY_S = 0.06  # sound this soon after a key left before the bot knew of it


class SimulatedCaller:
    """One call. Times are seconds of `time.monotonic`, taken where the sound enters or leaves the
    socket, so a response gap is what a caller would measure."""

    def __init__(self, background: bytes = SILENCE) -> None:
        """`background`: at least one frame of s16le 8 kHz sound that is sent, over and over, when
        nobody speaks: the line's noise."""
        self.closed = asyncio.Event()
        self.gaps: list[float] = []
        """Seconds from the end of our own speech to the bot's first sound, one per answer."""
        self.heard = bytearray()
        """The bot's sound frame by frame, in step with `said`; s16le 8 kHz."""
        self.said = bytearray()
        self.arrivals: list[float] = []
        """When each frame of the bot came in."""
        self._background = deque(_frames(background))
        self._outbox: deque[bytes] = deque()
        self._playout = Jitter()
        self._beat = asyncio.Event()
        self._key_at = float("-inf")
        self._last_said: float | None = None  # when our last audible frame left
        self._spoken = False  # the bot has spoken since we last did, or since the last wait
        self._last_sound = float("-inf")  # when the bot's last audible frame came in
        self._pacer = Pacer()
        self._tasks: list[asyncio.Task[None]] = []
        self._writer: asyncio.StreamWriter | None = None

    async def connect(self, host: str, port: int, uuid: UUID | str) -> None:
        """Begin the call. Raises OSError if nobody listens there."""
        reader, self._writer = await asyncio.open_connection(host, port)
        self._writer.write(audiosocket.encode_hello(UUID(str(uuid))))
        self._tasks = [asyncio.create_task(self._receive(reader), name="simulated caller")]
        self._pacer.add(self)

    async def say(self, pcm: bytes) -> None:
        """Speak s16le 8 kHz sound, without the silence at its end; returns when its last frame was
        sent or the call is over. Raises ValueError if nothing in it can be heard."""
        frames = _frames(pcm)
        while frames and not _audible(frames[-1]):
            frames.pop()
        if not frames:
            raise ValueError("nothing audible to say")
        self._outbox.extend(frames)
        self._spoken = False
        while self._outbox and not self.closed.is_set():
            await self._next_beat()

    def key(self, digit: str) -> None:
        """Press a key; the digit goes out as at key-up. No effect after the call."""
        self._spoken = False
        self._key_at = monotonic()
        self._write(audiosocket.encode_digit(digit))

    async def wait_speech(self, timeout_s: float) -> bool:
        """Wait until the bot speaks (or has spoken since we last did). False: it did not."""
        return await self._until(lambda: self._spoken, timeout_s)

    async def wait_quiet(self, quiet_ms: int, timeout_s: float) -> bool:
        """Wait until the bot has spoken and then been silent for `quiet_ms`. False if that did not
        happen within `timeout_s` or before the end of the call."""

        def done() -> bool:
            return self._spoken and monotonic() - self._last_sound >= quiet_ms / 1000

        if not await self._until(done, timeout_s):
            return False
        self._spoken = False
        return True

    async def hangup(self) -> None:
        """End the call as Asterisk does: by closing the connection. Safe to call twice."""
        self._over()
        if self._writer is not None:
            self._writer.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._pacer.close()

    @property
    def stereo(self) -> bytes:
        """Both sides as 16-bit stereo at 8 kHz: left what we said, right what we heard."""
        length = min(len(self.said), len(self.heard))
        sides = [np.frombuffer(bytes(s[:length]), dtype="<i2") for s in (self.said, self.heard)]
        return bytes(np.column_stack(sides).astype("<i2").tobytes())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.hangup()

    # -- our clock

    def tick(self) -> None:
        """Send one frame; called by the pacer."""
        speaking = bool(self._outbox)
        frame = self._outbox.popleft() if speaking else self._background[0]
        self._background.rotate(-1)
        self._write(audiosocket.encode_audio(frame))
        if speaking and _audible(frame):
            self._last_said = monotonic()
            self._spoken = False
        self.said += frame

    def hear(self) -> None:
        """Play one frame; called by the pacer."""
        self.heard += self._playout.pop() or SILENCE
        self._beat.set()

    def skip(self) -> None:
        """The machine was too slow for a frame: time goes on, what we wanted to say comes later."""
        self.said += SILENCE
        self.heard += SILENCE

    def fail(self, _error: Exception, /) -> None:
        """A tick broke: the call is over."""
        self._over()

    # -- what the bot sends

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        decoder = Decoder()
        try:
            while data := await reader.read(65536):
                for message in decoder.feed(data):
                    if isinstance(message, Audio):
                        self._hear(message.pcm)
                    elif isinstance(message, Bye | Fault):
                        return
        except ConnectionError:
            return
        finally:
            self._over()

    def _hear(self, pcm: bytes) -> None:
        now = monotonic()
        self.arrivals.append(now)
        self._playout.push(pcm)
        if not _audible(pcm):
            return
        if self._last_said is not None and not self._outbox:
            # Sound that merely went on while we spoke over it is no response.
            if now - self._last_sound >= PAUSE_S:
                self.gaps.append(now - self._last_said)
            self._last_said = None
        self._spoken = self._spoken or now - self._key_at > ON_ITS_WAY_S
        self._last_sound = now

    def _over(self) -> None:
        self._pacer.remove(self)
        self._outbox.clear()
        self.closed.set()
        self._beat.set()

    def _write(self, message: bytes) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(message)

    async def _until(self, done: Callable[[], bool], timeout_s: float) -> bool:
        deadline = monotonic() + timeout_s
        while not done():
            if self.closed.is_set() or monotonic() >= deadline:
                return False
            await self._next_beat()
        return True

    async def _next_beat(self) -> None:
        """Wait for the next tick or the end of the call."""
        self._beat.clear()
        await self._beat.wait()


def _frames(pcm: bytes) -> list[bytes]:
    """Cut into frames; the last one is filled up with silence."""
    cut = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]
    if cut:
        cut[-1] += SILENCE[len(cut[-1]) :]
    return cut


def _audible(frame: bytes) -> bool:
    if frame == SILENCE:  # most of what a bot sends
        return False
    samples = np.frombuffer(frame, dtype="<i2").astype(np.float32)
    return bool(np.sqrt(np.mean(samples * samples)) > SOUND_LEVEL)
