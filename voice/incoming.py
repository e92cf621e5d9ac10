"""The listening half of a phone line: from the caller's frames to utterances, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

import structlog

from voice.errors import VoiceError
from voice.frames import Transcript, Utterance
from voice.jitter import Jitter
from voice.listening.closed_set import ClosedSet
from voice.listening.complete import verdict
from voice.listening.endpoint import (
    Endpointer,
    EndpointEvent,
    Pauses,
    SpeechDropped,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    Verdict,
)
from voice.listening.tones import ToneDetector
from voice.listening.vad import Vad

log = structlog.get_logger()

UNHEARD = Transcript("", 0.0, 0.0, "failed", 0.0)
"""Somebody spoke and recognition failed."""


class Ears(Protocol):
    """Recognises utterances off the pacing loop; see `listening.pool`."""

    async def transcribe(
        self, pcm: bytes, rate: int, answers: ClosedSet | None = None
    ) -> Transcript:
        """Raises RecognitionFailed when the engine fails or too much waits for it."""


class Incoming:
    """Hears one caller. Feed it a frame a tick; its time is the line's time."""

    def __init__(
        self,
        ears: Ears,
        vad: Vad,
        endpointer: Endpointer,
        *,
        rate: int,
        over: Callable[[int], str | None],
        on_utterance: Callable[[Utterance], None],
        on_tone: Callable[[str, bool], None] = lambda _digit, _begun: None,
    ) -> None:
        """`over(ms)` is the id of our own speech that sounded at that time, if any. `on_tone` is
        told of a key inside the sound: once with True, then at every frame while it is held."""
        self.jitter = Jitter(rate // 50 * 2)
        self.voice = False  # the caller's voice is in the last frame
        self._ears, self._vad, self._endpointer = ears, vad, endpointer
        self._rate = rate
        self._over, self._on_utterance, self._on_tone = over, on_utterance, on_tone
        self._tones = ToneDetector()
        self._answers: ClosedSet | None = None
        self._spoke_over: str | None = None
        self._active = False  # speech has begun and is not in a pause
        self._early: asyncio.Task[Transcript] | None = None  # decoding since the pause
        self._last: asyncio.Task[None] | None = None  # delivers the newest utterance

    @property
    def quiet(self) -> bool:
        """Nobody speaks and everything said was delivered."""
        return not self._endpointer.speaking and (self._last is None or self._last.done())

    def expect(self, answers: ClosedSet | None, pauses: Pauses) -> None:
        """What makes sense as an answer, and how much silence ends it."""
        self._answers = answers
        self._endpointer.expect(pauses)

    def feed(self, frame: bytes) -> None:
        """The caller's side of one tick."""
        speech = self._vad.speaking(frame)
        if tone := self._tones.feed(frame):
            self._on_tone(tone.digit, True)
        if self._tones.down:  # a key is no speech, however loud
            speech = False
            self._on_tone(self._tones.down, False)
        self._take(self._endpointer.feed(frame, speech))
        self.voice = speech and self._active

    def _take(self, events: Iterable[EndpointEvent]) -> None:
        for event in events:
            match event:
                case SpeechStarted():
                    self._active = True
                    self._spoke_over = self._over(event.at_ms)
                case SpeechPaused():
                    self._active = False
                    if not event.faint:
                        self._recognise(event)
                case SpeechResumed():
                    self._active = True
                    self._forget_early()
                case SpeechDropped():
                    self._active = False
                    self._forget_early()
                case SpeechEnded():
                    self._active = False
                    self._deliver(event)

    def _recognise(self, pause: SpeechPaused) -> None:
        """Most pauses are the end: recognise now, and let the words say how long to wait."""
        self._endpointer.judge(pause, Verdict.PENDING)
        answers = self._answers
        self._early = asyncio.create_task(self._hear(pause.pcm, answers))
        self._early.add_done_callback(partial(self._weigh, pause, answers))

    def _weigh(
        self, pause: SpeechPaused, answers: ClosedSet | None, heard: asyncio.Task[Transcript]
    ) -> None:
        if not heard.cancelled():
            self._take(self._endpointer.judge(pause, verdict(heard.result(), answers)))

    async def finish(self, timeout_s: float) -> None:
        """The line is gone: deliver what was said until then, within `timeout_s`."""
        ended = self._endpointer.flush()
        if ended is not None:
            self._deliver(ended)
        if self._last is not None:
            await asyncio.wait((self._last,), timeout=timeout_s)
        self.close()

    def close(self) -> None:
        """Deliver nothing more."""
        self._forget_early()
        if self._last is not None:
            self._last.cancel()

    def _deliver(self, ended: SpeechEnded) -> None:
        early, self._early = self._early, None
        if ended.cut and early is not None:
            early.cancel()
            early = None
        hearing = early or asyncio.create_task(self._hear(ended.pcm, self._answers))
        self._last = asyncio.create_task(
            self._emit(ended, hearing, self._answers, self._spoke_over, after=self._last)
        )

    async def _emit(
        self,
        said: SpeechEnded,
        hearing: asyncio.Task[Transcript],
        answers: ClosedSet | None,
        over: str | None,
        after: asyncio.Task[None] | None,
    ) -> None:
        """Pass on one utterance, never before the one `after` which it comes."""
        try:
            heard = await hearing
            if heard is UNHEARD:  # a full queue may have room by now
                heard = await self._hear(said.pcm, answers)
            if after is not None:
                await asyncio.wait((after,))
        except asyncio.CancelledError:
            hearing.cancel()
            if after is not None:
                after.cancel()
            raise
        self._on_utterance(
            Utterance(
                text=heard.text,
                via="voice",
                confidence=heard.confidence,
                start_ms=said.start_ms,
                end_ms=said.end_ms,
                pcm=said.pcm,
                pcm_start_ms=said.pcm_start_ms,
                rate=self._rate,
                no_speech=heard.no_speech,
                engine=heard.engine,
                scores=heard.scores,
                over=over,
            )
        )

    async def _hear(self, pcm: bytes, answers: ClosedSet | None) -> Transcript:
        try:
            return await self._ears.transcribe(pcm, self._rate, answers)
        except VoiceError as error:
            log.error("line.recognition_failed", error=str(error))
        except Exception:
            log.exception("line.recognition_failed")
        return UNHEARD

    def _forget_early(self) -> None:
        if self._early is not None:
            self._early.cancel()
            self._early = None
