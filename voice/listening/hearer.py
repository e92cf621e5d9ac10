"""Recognises the utterances of one call, without what in them is our own voice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

import structlog

from voice.errors import VoiceError
from voice.frames import Transcript
from voice.listening.closed_set import ClosedSet
from voice.listening.echo import Others, Sent, others
from voice.listening.stream import Stream, StreamingEars

log = structlog.get_logger()

UNHEARD = Transcript("", 0.0, 0.0, "failed", 0.0)
"""Somebody spoke and recognition failed."""
ECHO = Transcript("", 0.0, 1.0, "echo", 0.0)
"""Nobody spoke: what was heard is our own voice."""


class Ears(StreamingEars, Protocol):
    """Recognises utterances off the pacing loop; see `listening.pool`."""

    streaming: bool  # True: feed it while the caller speaks

    async def transcribe(
        self, pcm: bytes, rate: int, answers: ClosedSet | None = None
    ) -> Transcript:
        """Raises RecognitionFailed when the engine fails or too much waits for it."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was made of one utterance."""

    transcript: Transcript
    others: Others  # the part of its sound that was recognised; the rest is our own voice


class Hearer:
    """Fails with UNHEARD, never with an exception."""

    def __init__(self, ears: Ears, sent: Sent, rate: int) -> None:
        """`sent`: what the line sends; `rate` of both sides, Hz."""
        self._ears, self._sent, self._rate = ears, sent, rate

    async def hear(self, pcm: bytes, start_ms: int, answers: ClosedSet | None) -> Hearing:
        """Recognise whole frames of sound that begin at `start_ms` of the line."""
        theirs = await self._others(pcm, start_ms)
        if not theirs:
            return Hearing(ECHO, theirs)
        return await self._recognised(pcm, theirs, answers)

    async def rest_of(self, stream: Stream, pcm: bytes, start_ms: int) -> Hearing:
        """The same where an engine has listened all along."""
        theirs = await self._others(pcm, start_ms)
        if theirs == Others(0, len(pcm)):
            return Hearing(await _heard(stream.finish()), theirs)
        stream.abandon()
        if not theirs:
            return Hearing(ECHO, theirs)
        return await self._recognised(pcm, theirs, stream.answers)

    async def _recognised(self, pcm: bytes, part: Others, answers: ClosedSet | None) -> Hearing:
        sound = pcm[part.start : part.end]
        return Hearing(await _heard(self._ears.transcribe(sound, self._rate, answers)), part)

    async def _others(self, pcm: bytes, start_ms: int) -> Others:
        length_ms = len(pcm) * 1000 // (2 * self._rate)
        sent = self._sent.before(start_ms, start_ms + length_ms)
        if not sent:
            return Others(0, len(pcm))
        try:
            return await asyncio.to_thread(others, pcm, sent, self._rate)
        except Exception:
            log.exception("line.echo_failed")
            return Others(0, len(pcm))


async def _heard(recognition: Awaitable[Transcript]) -> Transcript:
    try:
        return await recognition
    except VoiceError as error:
        log.error("line.recognition_failed", error=str(error))
    except Exception:
        log.exception("line.recognition_failed")
    return UNHEARD
