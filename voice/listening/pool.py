"""One recogniser shared by all calls, off the loop that paces frames.

The queue is bounded: when recognition cannot follow, a caller is told so at once (and gets keys or
a human) instead of waiting longer and longer. Before that, `saturated` tells the exchange to send
new calls to humans, so that running ones stay quick.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic
from typing import TypeVar

from voice.errors import RecognitionFailed, VoiceError
from voice.frames import Transcript
from voice.listening.closed_set import ClosedSet
from voice.listening.pressure import Pressure
from voice.listening.protocols import Recogniser, Session

T = TypeVar("T")
QUEUE_PER_THREAD = 8  # an utterance costs about 0.25 s of a core: the last in the queue waits 2 s
BUSY_PER_THREAD = 4  # from here on a new call would make the running ones wait a second
CHUNKS_PER_UTTERANCE = 8  # of a streaming engine: its tasks are so much smaller


class RecogniserPool:
    """Worker threads around one recogniser. Use it from one event loop."""

    def __init__(
        self,
        recogniser: Recogniser,
        threads: int = 2,
        *,
        queue: int | None = None,
        on_depth: Callable[[int], None] | None = None,
        now: Callable[[], float] = monotonic,
    ) -> None:
        """`queue`: tasks running or waiting at most, `QUEUE_PER_THREAD` a thread where not given.
        `on_depth` is told their number whenever it changes, from any thread (a gauge's `set`)."""
        self.recogniser = recogniser
        self.streaming = recogniser.streaming
        tasks = threads * (CHUNKS_PER_UTTERANCE if self.streaming else 1)
        self.capacity = queue or QUEUE_PER_THREAD * tasks
        self._on_depth = on_depth
        self._now = now
        self._pressure = Pressure(min(BUSY_PER_THREAD * tasks, self.capacity))
        self._depth = 0
        self._workers = threads
        self._running: set[Session] = set()
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="listening")

    @property
    def depth(self) -> int:
        """Tasks running or waiting now."""
        return self._depth

    @property
    def saturated(self) -> bool:
        """Whether a new call should go to a human: the queue has grown past its bound and has not
        been short for 5 s since. Running calls are still served, up to `capacity`."""
        with self._lock:
            return self._pressure.busy(self._now())

    async def transcribe(
        self, pcm: bytes, rate: int, answers: ClosedSet | None = None
    ) -> Transcript:
        """Recognise one utterance (s16le mono at `rate` Hz), scoring `answers` where given.

        A caller that is cancelled while it waits leaves the queue; what runs already stops at its
        next step, since whoever speaks on after a pause voids what was decoded in it. Raises
        RecognitionFailed when the queue is full or the engine fails."""
        running: list[Session] = []

        def work() -> Transcript:
            session = self.recogniser.session(rate, answers)
            running.append(session)
            with self._lock:
                self._running.add(session)
            self._hurry()
            try:
                session.accept(pcm)
                return session.finish()
            finally:
                with self._lock:
                    self._running.discard(session)

        try:
            return await self.run(work)
        except asyncio.CancelledError:
            for session in running:
                session.abandon()
            raise

    def _hurry(self) -> None:
        """Where somebody waits for a thread, nobody on one gets more than the needful."""
        with self._lock:
            late = list(self._running) if self._depth > self._workers else []
        for session in late:
            session.hurry()

    async def open(self, rate: int, answers: ClosedSet | None = None) -> StreamingSession:
        """Begin a recognition fed while the caller speaks. Raises RecognitionFailed."""
        session = await self.run(lambda: self.recogniser.session(rate, answers))
        return StreamingSession(self, session)

    async def run(self, work: Callable[[], T]) -> T:
        """Run blocking work of this recogniser on a worker thread. Raises RecognitionFailed."""
        self._count(+1)
        try:
            future: Future[T] = self._threads.submit(work)
        except RuntimeError as error:  # closed
            self._count(-1)
            raise RecognitionFailed("recognition is shut down") from error
        future.add_done_callback(lambda _: self._count(-1))
        try:
            return await asyncio.wrap_future(future)
        except (VoiceError, ValueError):
            raise
        except Exception as error:
            raise RecognitionFailed(f"the engine failed: {type(error).__name__}") from error

    def _count(self, change: int) -> None:
        with self._lock:
            if change > 0 and self._depth >= self.capacity:
                raise RecognitionFailed(f"{self._depth} utterances wait for recognition already")
            self._depth += change
            self._pressure.update(self._depth, self._now())
            depth = self._depth
        if change > 0:
            self._hurry()
        if self._on_depth is not None:
            self._on_depth(depth)

    async def close(self) -> None:
        """Drop what waits and let what runs finish. Safe to call twice."""
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)


class StreamingSession:
    """A recognition that goes on while the caller speaks; its steps run in order."""

    def __init__(self, pool: RecogniserPool, session: Session) -> None:
        self._pool = pool
        self._session = session
        self._order = asyncio.Lock()

    async def accept(self, pcm: bytes) -> str | None:
        """Take more sound; returns the text so far. Raises RecognitionFailed when the queue is
        full: this piece of sound is lost, the session can go on."""
        async with self._order:
            return await self._pool.run(lambda: self._session.accept(pcm))

    async def finish(self) -> Transcript:
        """The transcript of all that was taken. Raises RecognitionFailed."""
        async with self._order:
            return await self._pool.run(self._session.finish)
