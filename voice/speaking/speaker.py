"""The voice of the bot: text in, sound for a line out, with a cache before and a child behind it.

All work is off the event loop: synthesis in the child process, the rest on threads.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import structlog

from voice.errors import ModelError
from voice.speaking import phrasing, recorded
from voice.speaking.cache import ClipMemory, SpeechCache
from voice.speaking.engine import EngineSpec
from voice.speaking.finish import Delivery, finish
from voice.speaking.recorded import Recordings, Stretch
from voice.speaking.synthesis import Synthesis

MAX_TEXT: Final = 1000
"""Characters of one sentence: five minutes of speech."""

Progress = Callable[[int, int], None]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Clip:
    """One sentence, ready for a line."""

    pcm: bytes  # 16-bit signed little-endian mono
    sample_rate: int  # Hz
    voice: str  # who speaks, for the record
    cached: bool  # nothing was synthesised for it
    ms: float  # from asking to having it
    cpu_s: float  # CPU seconds of synthesis, 0 when cached

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / self.sample_rate


class Speaker:
    """One voice, usable by any number of lines at once. `start` it first.

    `choices` are tried in order until one starts: several mean that a fallback is wanted. `piece_s`
    is how long a silent child is waited for (`supervisor.PIECE_S` when not given). What was
    recorded by a person (`recordings`) is played; the engine speaks the rest.
    """

    def __init__(
        self,
        choices: Sequence[EngineSpec],
        cache: SpeechCache,
        *,
        recordings: Recordings | None = None,
        piece_s: float | None = None,
    ) -> None:
        self.engine = Synthesis(choices, cache, piece_s)
        self._cache = cache
        self._recordings = recordings
        self._clips: ClipMemory[tuple[str, str, Delivery]] = ClipMemory()

    async def start(self) -> None:
        """Load the engine (Kokoro: 4 s). Raises ModelError or SpeechFailed when none starts."""
        await self.engine.start()
        removed = await asyncio.to_thread(self._cache.prune)
        log.info("speech.started", voice=self.name, pruned_bytes=removed)

    async def close(self) -> None:
        """Stop speaking; who still waits gets SpeechFailed. Safe to call twice."""
        await self.engine.close()
        await asyncio.to_thread(self._cache.freshen)

    @property
    def name(self) -> str:
        """Who speaks, for the record, e.g. "kokoro zf_xiaobei@6e742170d309". Set by `start`."""
        return self.engine.name

    async def render(
        self,
        text: str,
        *,
        rate: float = 1.0,
        gain_db: float = 0.0,
        sample_rate: int = 8000,
        urgent: bool = False,
    ) -> Clip:
        """The sound of `text`: from memory, from disk, or spoken now (urgent texts first).

        `rate` 1.0 is 3.5 hanzi a second (`engine.HANZI_PER_SECOND`), 0.65 what elderly people want.

        Text without anything to speak gives an empty clip. Raises SpeechFailed when it could not be
        spoken even by a fresh child, ValueError for a text or rate out of bounds.
        """
        delivery = Delivery(rate, gain_db, sample_rate)
        if stretches := self._recorded(text):
            try:
                return await self._joined(stretches, delivery, urgent=urgent)
            except ModelError as error:
                log.error("speech.recording_unusable", reason=str(error))
        return await self._synthesised(text, delivery, urgent=urgent)

    def _recorded(self, text: str) -> tuple[Stretch, ...]:
        return self._recordings.find(text) if self._recordings else ()

    async def _joined(
        self, stretches: Sequence[Stretch], delivery: Delivery, *, urgent: bool
    ) -> Clip:
        """Recorded words and synthesised values. Raises ModelError, SpeechFailed."""
        began = time.perf_counter()
        clips = [
            await self._synthesised(stretch.text, delivery, urgent=urgent)
            if stretch.file is None
            else await self._played(stretch, delivery)
            for stretch in stretches
        ]
        pcm = bytearray(clips[0].pcm)
        for (before, after), clip in zip(pairwise(stretches), clips[1:], strict=True):
            pcm += recorded.silence(before, after, delivery.sample_rate) + clip.pcm
        voice = " + ".join(dict.fromkeys(clip.voice for clip in clips))
        ms = (time.perf_counter() - began) * 1000
        cached = all(clip.cached for clip in clips)
        return Clip(
            bytes(pcm), delivery.sample_rate, voice, cached, ms, sum(clip.cpu_s for clip in clips)
        )

    async def _played(self, stretch: Stretch, delivery: Delivery) -> Clip:
        assert self._recordings is not None and stretch.file is not None
        voice = self._recordings.name
        pcm = self._clips.get((voice, stretch.file, delivery))
        if pcm is None:
            pcm = await asyncio.to_thread(self._recordings.sound, stretch, delivery)
            self._clips.put((voice, stretch.file, delivery), pcm)
        return Clip(pcm, delivery.sample_rate, voice, True, 0.0, 0.0)

    async def _synthesised(self, text: str, delivery: Delivery, *, urgent: bool) -> Clip:
        began = time.perf_counter()
        sample_rate = delivery.sample_rate
        spoken = _normalised(text)
        if not spoken:
            return Clip(b"", sample_rate, self.name, True, 0.0, 0.0)
        voice, cpu_s = self.name, 0.0
        pcm = self._clips.get((voice, spoken, delivery))
        if pcm is not None:
            self._cache.played(voice, spoken)
        else:
            pcm = await asyncio.to_thread(
                self._from_disk, voice, self.engine.pace, spoken, delivery
            )
        cached = pcm is not None
        if pcm is None:
            clause = await self.engine.speak(spoken, urgent=urgent)
            voice, cpu_s = clause.voice, clause.cpu_s
            pcm = await asyncio.to_thread(
                finish, clause.samples, clause.rate, clause.pace, delivery
            )
            self._clips.put((voice, spoken, delivery), pcm)
        return Clip(pcm, sample_rate, voice, cached, (time.perf_counter() - began) * 1000, cpu_s)

    def cached(self, text: str, rate: float = 1.0) -> bool:
        """Whether `text` can be rendered without a synthesis. Any rate is made from one clause."""
        stretches = self._recorded(text) or (Stretch(text, None),)
        values = (stretch.text for stretch in stretches if stretch.file is None)
        return all(self._known(value, Delivery(rate)) for value in values)

    def _known(self, text: str, delivery: Delivery) -> bool:
        spoken = _normalised(text)
        known = self._clips.get((self.name, spoken, delivery)) is not None
        return not spoken or known or (self.name, spoken) in self._cache

    async def prepare(
        self, texts: Iterable[str], rate: float = 1.0, progress: Progress | None = None
    ) -> None:
        """Render `texts` ahead of a call. `progress` gets how many are done, of how many.

        Raises SpeechFailed at the first that cannot be spoken.
        """
        wanted = list(dict.fromkeys(texts))
        for done, text in enumerate(wanted):
            if progress:
                progress(done, len(wanted))
            await self.render(text, rate=rate)
        if progress:
            progress(len(wanted), len(wanted))

    def _from_disk(self, voice: str, pace: float, spoken: str, delivery: Delivery) -> bytes | None:
        kept = self._cache.load(voice, spoken)
        if kept is None:
            return None
        pcm = finish(*kept, pace, delivery)
        self._clips.put((voice, spoken, delivery), pcm)
        return pcm


def _normalised(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise ValueError(f"a sentence of {len(text)} characters; {MAX_TEXT} at most")
    return phrasing.spoken(text)
