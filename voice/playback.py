"""What a line is going to say: an ordered queue of clauses, taken one frame a tick.

Pure: no clock and no I/O. A clause may be queued before its sound is there; the queue then waits in
silence. Because frames are counted as they leave, it is known to 20 ms what the caller has heard.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from voice.frames import FRAME_MS, PHONE_RATE, Played
from voice.line import Speech

FADE_MS = 10  # at a cut, against the click
REMEMBERED = 8  # clauses whose position is kept after they ended
FILL_AFTER_MS = (
    600  # of waiting for a sentence that is not rendered yet; longer feels like a dead line
)
GIVEN_UP_MS = 30_000  # of the same: nobody waits longer, and an engine that hangs is given minutes
FILLER = "filler"  # a Speech whose id begins so bridges a wait; nobody queued it


@dataclass(slots=True, eq=False)
class Clause:
    """A speech on its way out."""

    speech: Speech
    batch: int  # which call of `add` it came with
    pcm: bytes | None = None  # None: not rendered yet
    voice: str = ""
    failed: str = ""  # why there is no sound


@dataclass(frozen=True, slots=True)
class Span:
    """Where on the line a clause sounded, milliseconds."""

    id: str
    start_ms: int
    end_ms: int


class Playback:
    """The queue of one line. `on_played` gets one `Played` per clause, whole or cut off."""

    def __init__(self, on_played: Callable[[Played], None], rate: int = PHONE_RATE) -> None:
        self._on_played = on_played
        self._samples_ms = rate // 1000
        self._silence = bytes(rate * FRAME_MS // 1000 * 2)
        self._queue: deque[Clause] = deque()
        self._sounding: Clause | None = None  # its first frame was sent, its last was not
        self._at = 0  # bytes of it already sent
        self._started_ms = 0
        self._pause = 0  # ticks of silence before the next clause
        self._tail = b""  # the faded end of a clause that was cut
        self._batch = 0  # of the newest clause in the queue
        self._running = 0  # batch of the clause that began last
        self._spans: deque[Span] = deque(maxlen=REMEMBERED)
        self._now = 0  # ticks since the line opened
        self._filler: Clause | None = None
        self._fillers = 0  # played so far
        self._starved = 0  # ticks waited for the sound of the next clause

    @property
    def now_ms(self) -> int:
        return self._now * FRAME_MS

    @property
    def sounding(self) -> Speech | None:
        """The speech of which the caller hears a part right now."""
        return self._sounding.speech if self._sounding else None

    @property
    def drained(self) -> bool:
        """Everything queued was played, pauses included."""
        return not (self._queue or self._sounding or self._tail or self._pause)

    def over(self, ms: int) -> str | None:
        """The id of the speech that sounded at `ms`, if any; a few clauses back at most."""
        if self._sounding and ms >= self._started_ms:
            return self._sounding.speech.id
        for span in self._spans:
            if span.start_ms <= ms < span.end_ms:
                return span.id
        return None

    def add(self, speeches: Sequence[Speech]) -> None:
        """Queue clauses that belong together; a barge-in over one drops the rest of them."""
        self._batch += 1
        self._queue.extend(Clause(speech, self._batch) for speech in speeches)

    def fill_with(self, speech: Speech, pcm: bytes, voice: str) -> None:
        """A short stock phrase, rendered already, to bridge the wait for a sentence that is not: it
        is played once for each, and reported with an id of its own."""
        self._filler = Clause(speech, 0, pcm, voice)

    def unrendered(self) -> list[Clause]:
        """Clauses that still need sound, in order."""
        return [c for c in self._queue if c.pcm is None and not c.failed]

    def render(self, clause: Clause, pcm: bytes, voice: str) -> None:
        """Give a clause its sound; no effect on one that was dropped meanwhile."""
        clause.voice = voice
        if pcm:
            clause.pcm = pcm
        else:
            clause.failed = "no sound"

    def fail(self, clause: Clause, why: str) -> None:
        """There will be no sound: it is reported as not played when its turn comes."""
        clause.failed = why

    def next_frame(self, *, hold: bool = False) -> bytes:
        """The frame of this tick: sound, or silence. `hold`: the caller speaks; begin nothing now,
        but go on with what may not be interrupted and came with the clause that sounded last."""
        self._now += 1
        if self._tail:
            frame, self._tail = self._tail, b""
            return frame
        if self._pause:
            self._pause -= 1
            return self._silence
        clause = self._sounding or self._begin(hold) or self._bridge(hold)
        if clause is None or clause.pcm is None:
            return self._silence
        frame = clause.pcm[self._at : self._at + len(self._silence)]
        self._at += len(self._silence)
        if self._at >= len(clause.pcm):
            self._end(complete=True)
            return frame + self._silence[len(frame) :]
        return frame

    def skip(self) -> None:
        """A tick passed in which nothing could be sent."""
        self._now += 1

    def interrupt(self, reason: str = "barge-in") -> bool:
        """The caller wants to speak: cut the clause that sounds and drop what came with it, but
        nothing that may not be interrupted. True if anything was."""
        if self._sounding is None and not (self._queue and self._queue[0].batch == self._running):
            return False
        return self._clear(reason, lambda c: c.batch == self._running and c.speech.interruptible)

    def stop(self, reason: str = "stopped") -> None:
        """Cut and drop everything, interruptible or not."""
        self._clear(reason, lambda _: True)

    def _clear(self, reason: str, goes: Callable[[Clause], bool]) -> bool:
        dropped = [c for c in self._queue if goes(c)]
        self._queue = deque(c for c in self._queue if not goes(c))
        cut = self._sounding is not None and goes(self._sounding)
        if cut:
            self._fade()
            self._end(complete=False, reason=reason)
        if not self._queue:
            self._pause = self._starved = 0
        self._report(dropped, reason)
        return cut or bool(dropped)

    def _begin(self, hold: bool) -> Clause | None:
        """Take up the next clause if its sound is there. Those without a hope are reported."""
        while self._queue and self._queue[0].failed:
            clause = self._queue.popleft()
            self._report([clause], f"failed: {clause.failed}")
        if not self._queue or self._queue[0].pcm is None:
            return None
        first = self._queue[0]
        if hold and (first.speech.interruptible or first.batch != self._running):
            return None
        self._starved = 0
        return self._start(self._queue.popleft())

    def _bridge(self, hold: bool) -> Clause | None:
        """The stock phrase, if somebody has waited long enough for the next sentence. One that does
        not come at all is given up."""
        if hold or not self._queue or self._queue[0].pcm is not None:
            return None
        self._starved += 1
        if self._starved * FRAME_MS == GIVEN_UP_MS:
            self.fail(self._queue[0], "nothing came in time")
            self._starved = 0
        if self._filler is None or self._starved * FRAME_MS != FILL_AFTER_MS:
            return None
        self._fillers += 1
        speech = replace(self._filler.speech, id=f"{FILLER}.{self._fillers}")
        return self._start(replace(self._filler, speech=speech, batch=self._queue[0].batch))

    def _start(self, clause: Clause) -> Clause:
        self._sounding, self._running, self._at = clause, clause.batch, 0
        self._started_ms = self.now_ms - FRAME_MS
        return clause

    def _end(self, *, complete: bool, reason: str = "") -> None:
        clause = self._sounding
        assert clause is not None
        end_ms = self.now_ms + (FRAME_MS if self._tail else 0)
        self._sounding = None
        self._pause = -(-clause.speech.pause_ms // FRAME_MS)
        self._spans.append(Span(clause.speech.id, self._started_ms, end_ms))
        self._on_played(
            Played(clause.speech.id, complete, self._started_ms, end_ms, clause.voice, reason)
        )

    def _report(self, clauses: Iterable[Clause], reason: str) -> None:
        for clause in clauses:
            now = self.now_ms
            self._on_played(Played(clause.speech.id, False, now, now, clause.voice, reason))

    def _fade(self) -> None:
        """Let the next few milliseconds of what is cut die away."""
        assert self._sounding is not None
        pcm = (self._sounding.pcm or b"")[self._at :][: FADE_MS * self._samples_ms * 2]
        sound = np.frombuffer(pcm, dtype="<i2")
        faded = (sound * np.linspace(1.0, 0.0, len(sound), endpoint=False)).astype("<i2").tobytes()
        self._tail = faded + self._silence[len(faded) :]
