"""One utterance recognised while it is spoken, for engines that give text from the first frame."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from voice.errors import RecognitionFailed
from voice.frames import Transcript
from voice.listening.closed_set import ClosedSet

CHUNK_MS = 100  # a task for every frame would cost more than it recognises
STABLE_CHUNKS = 2  # text that did not change for so long: Kaldi's own delay is over
RETRY_S = 0.05  # after the queue was full; the sound waits here, none is lost …
RETRIES = 40  # … but not for ever: the utterance is recognised as a whole at its end instead


class OpenSession(Protocol):
    """A recognition in progress; see `pool.StreamingSession`."""

    async def accept(self, pcm: bytes) -> str | None: ...

    async def finish(self) -> Transcript: ...


class StreamingEars(Protocol):
    """Opens recognitions; see `pool.RecogniserPool`."""

    async def open(self, rate: int, answers: ClosedSet | None = None) -> OpenSession:
        """Raises RecognitionFailed."""


class Stable:
    """Has the text of an utterance come to rest? Pure: time is the number of texts."""

    def __init__(self, needed: int = STABLE_CHUNKS) -> None:
        self._needed = needed
        self._text = ""
        self._same = 0

    def update(self, text: str) -> bool:
        """The text so far, once a chunk. True while it has not changed for long enough; what is
        empty is never at rest, it may be late."""
        self._same = self._same + 1 if text and text == self._text else 0
        self._text = text
        return self._same >= self._needed

    def moved(self) -> None:
        """The speaker went on: the text will change."""
        self._same = 0


class Stream:
    """Feeds one session in order, off the loop that paces frames. Use it from one event loop."""

    def __init__(
        self,
        ears: StreamingEars,
        rate: int,
        answers: ClosedSet | None,
        on_stable: Callable[[str], None],
        after: Stream | None = None,
    ) -> None:
        """`on_stable` gets the text so far each time it has not changed for 200 ms. `after` is the
        stream before on the same call: its recogniser is waited for, a call needs but one."""
        self.answers = answers
        self._ears, self._rate = ears, rate
        self._on_stable = on_stable
        self._stable = Stable()
        self._chunk = rate * CHUNK_MS // 1000 * 2
        self._waiting = bytearray()
        self._more = asyncio.Event()
        self._ended = False
        self._failures = 0  # in a row
        self._task = asyncio.create_task(self._run(after), name="stream")
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())

    def feed(self, pcm: bytes) -> None:
        """More sound, in order."""
        self._waiting += pcm
        if len(self._waiting) >= self._chunk:
            self._more.set()

    def resumed(self) -> None:
        """The speaker went on after a pause."""
        self._stable.moved()

    async def finish(self) -> Transcript:
        """No more sound comes: the transcript of all of it. Raises RecognitionFailed."""
        self._end()
        return await asyncio.shield(self._task)

    def abandon(self) -> None:
        """Nobody wants to know any more. What runs on its thread ends first: the recogniser goes to
        the next caller only then."""
        self._waiting.clear()
        self._end()

    def _end(self) -> None:
        self._ended = True
        self._more.set()

    async def _run(self, after: Stream | None) -> Transcript:
        if after is not None:
            await asyncio.wait((after._task,))
        session = await self._ears.open(self._rate, self.answers)
        try:
            while await self._next():
                await self._accept(session)
        except RecognitionFailed:
            await session.finish()  # gives its recogniser back
            raise
        return await session.finish()

    async def _next(self) -> bool:
        """Wait for a chunk. False when everything was taken and no more comes."""
        while len(self._waiting) < self._chunk and not self._ended:
            self._more.clear()
            await self._more.wait()
        return bool(self._waiting)

    async def _accept(self, session: OpenSession) -> None:
        chunk = bytes(self._waiting)
        try:
            text = await session.accept(chunk)
        except RecognitionFailed:
            self._failures += 1
            if self._failures > RETRIES:
                raise
            await asyncio.sleep(RETRY_S)
            return
        self._failures = 0
        del self._waiting[: len(chunk)]
        if self._stable.update(text or "") and not self._ended:
            self._on_stable(text or "")
