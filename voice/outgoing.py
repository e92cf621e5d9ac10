"""The speaking half of a phone line: clauses are rendered ahead of time, off the pacing loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from voice.errors import VoiceError
from voice.frames import Played
from voice.line import Speech
from voice.playback import FILLER, Clause, Playback

log = structlog.get_logger()

AHEAD = 3  # clauses of one line that are rendered at the same time


class Rendered(Protocol):
    """The sound of one sentence."""

    @property
    def pcm(self) -> bytes:
        """s16le mono at the rate asked for."""

    @property
    def voice(self) -> str:
        """Who spoke: engine, voice name, model hash."""


class Renderer(Protocol):
    """Makes sound of text; see `speaking.speaker`."""

    async def render(
        self,
        text: str,
        *,
        rate: float = 1.0,
        gain_db: float = 0.0,
        sample_rate: int = 8000,
        urgent: bool = False,
    ) -> Rendered:
        """`urgent`: somebody waits for it in silence. Raises VoiceError."""


class Outgoing:
    """Fills the playback queue of one line with sound."""

    def __init__(self, renderer: Renderer, on_played: Callable[[Played], None], rate: int) -> None:
        self.playback = Playback(on_played, rate)
        self.drained = asyncio.Event()
        self.drained.set()
        self._renderer = renderer
        self._rate = rate
        self._rendering: dict[Clause, asyncio.Task[None]] = {}

    async def fill_with(self, text: str) -> None:
        """Bridge waits for sentences that are not rendered yet with these few words."""
        try:
            clip = await self._renderer.render(text, sample_rate=self._rate)
        except VoiceError as error:
            log.warning("line.no_filler", error=str(error))
        else:
            self.playback.fill_with(Speech(FILLER, text), clip.pcm, clip.voice)

    def say(self, speeches: Sequence[Speech]) -> None:
        if speeches:
            self.drained.clear()
            self.playback.add(speeches)
            self._render_ahead()

    def stop(self, reason: str = "stopped") -> None:
        """Cut and drop everything."""
        self.playback.stop(reason)
        self._render_ahead()

    def interrupt(self) -> None:
        """The caller wants to speak."""
        if self.playback.interrupt():
            self._render_ahead()

    def next_frame(self, *, hold: bool) -> bytes:
        frame = self.playback.next_frame(hold=hold)
        if not self.drained.is_set() and self.playback.drained:
            self.drained.set()
        return frame

    def hung_up(self) -> None:
        """The line is gone: report what was not heard, release those who wait."""
        self.stop("hangup")
        self.drained.set()

    def _render_ahead(self) -> None:
        """Start what can be started, give up what nobody will hear any more."""
        wanted = self.playback.unrendered()
        for clause in self._rendering.keys() - set(wanted):
            self._rendering.pop(clause).cancel()
        for clause in wanted[:AHEAD]:
            if clause not in self._rendering:
                self._rendering[clause] = asyncio.create_task(self._render(clause))

    async def _render(self, clause: Clause) -> None:
        speech = clause.speech
        waits = self.playback.sounding is None and self.playback.unrendered()[0] is clause
        try:
            clip = await self._renderer.render(
                speech.text,
                rate=speech.rate,
                gain_db=speech.gain_db,
                sample_rate=self._rate,
                urgent=waits,
            )
        except VoiceError as error:
            log.error("line.speech_failed", id=speech.id, error=str(error))
            self.playback.fail(clause, str(error))
        except Exception as error:
            # Whatever breaks in an engine must not leave the caller in silence for ever.
            log.exception("line.speech_failed", id=speech.id)
            self.playback.fail(clause, type(error).__name__)
        else:
            self.playback.render(clause, clip.pcm, clip.voice)
        self._rendering.pop(clause, None)
        self._render_ahead()
