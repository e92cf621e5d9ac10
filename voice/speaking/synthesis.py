"""An engine behind a queue: each text is spoken once, levelled, and kept on disk; a child that dies
or falls silent is replaced."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from voice.dsp import Samples
from voice.errors import ModelError, SpeechFailed, VoiceError
from voice.speaking import loudness
from voice.speaking.cache import SpeechCache
from voice.speaking.engine import EngineSpec
from voice.speaking.jobs import Job, Jobs
from voice.speaking.supervisor import SpeechChild

MAX_WAITING: Final = 2000
ATTEMPTS: Final = 2
"""A text is tried once more on a fresh child, then given up."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Levelled:
    """What the engine made of a text, as loud as all others."""

    samples: Samples
    rate: int
    voice: str
    pace: float
    cpu_s: float


class Synthesis:
    """`choices` are tried in order until one starts. `piece_s` is how long a silent child is waited
    for (`supervisor.PIECE_S` when not given)."""

    def __init__(
        self, choices: Sequence[EngineSpec], cache: SpeechCache, piece_s: float | None
    ) -> None:
        self._choices, self._cache, self._piece_s = tuple(choices), cache, piece_s
        self._jobs: Jobs[Levelled] = Jobs()
        self._child: SpeechChild | None = None
        self._worker: asyncio.Task[None] | None = None
        self.name = ""  # who speaks; set by `start`
        self.pace = 1.0
        self.cpu_s = 0.0  # CPU seconds so far, loading included
        self.restarts = 0  # how often the child had to be replaced

    async def start(self) -> None:
        """Load the engine. Raises ModelError or SpeechFailed when none starts."""
        if self._worker is None:
            self._child = await self._start_child()
            self._worker = asyncio.create_task(self._work(), name="speaker")

    async def close(self) -> None:
        """Who still waits gets SpeechFailed. Safe to call twice."""
        if self._worker is not None:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._worker
            self._worker = None
        self._jobs.fail_all(SpeechFailed("the speaker was closed"))
        await self._discard_child()

    @property
    def child_pid(self) -> int | None:
        """The speaking process, while there is one."""
        return self._child.pid if self._child is not None and self._child.alive else None

    async def speak(self, text: str, *, urgent: bool) -> Levelled:
        """Raises SpeechFailed when even a fresh child could not speak it."""
        if self._worker is None:
            raise SpeechFailed("the speaker is not started")
        if len(self._jobs) >= MAX_WAITING:
            raise SpeechFailed(f"{MAX_WAITING} sentences are waiting to be spoken already")
        return await asyncio.shield(self._jobs.submit(text, urgent=urgent))

    async def _work(self) -> None:
        """The only user of the child: one text after the other."""
        while True:
            job = await self._jobs.take()
            self._jobs.finish(job, await self._outcome(job))

    async def _outcome(self, job: Job[Levelled]) -> Levelled | Exception:
        failure: Exception = SpeechFailed("not tried")
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._attempt(job.text)
            except Exception as error:  # whatever it is, the sentences behind this one are spoken
                failure = error
                log.warning("speech.failed", attempt=attempt, reason=_reason(error))
                await self._discard_child()
        return SpeechFailed(f"a sentence could not be spoken: {_reason(failure)}")

    async def _attempt(self, text: str) -> Levelled:
        if self._child is None or not self._child.alive:
            self.restarts += 1
            self._child = await self._start_child()
        child = self._child
        spoken = await child.speak(text)
        self.cpu_s += spoken.cpu_s
        samples = await asyncio.to_thread(loudness.even, spoken.samples, child.rate)
        if not samples.size:
            raise SpeechFailed("the engine gave silence")
        await asyncio.to_thread(self._cache.store, child.name, text, samples, child.rate)
        return Levelled(samples, child.rate, child.name, child.pace, spoken.cpu_s)

    async def _start_child(self) -> SpeechChild:
        failure: VoiceError = ModelError("no speech engine is configured")
        for spec in self._choices:
            try:
                child = await SpeechChild.start(spec, piece_s=self._piece_s)
            except VoiceError as error:
                failure = error
                log.warning("speech.engine_not_started", engine=spec.kind, reason=str(error))
            else:
                self.name, self.pace = child.name, child.pace
                self.cpu_s += child.cpu_s
                return child
        raise failure

    async def _discard_child(self) -> None:
        if self._child is not None:
            await self._child.kill()
            self._child = None


def _reason(error: Exception) -> str:
    """In words of ours, or by its kind: others may hold what was to be said."""
    return str(error) if isinstance(error, VoiceError) else type(error).__name__
