"""Where an utterance begins and ends: a pure state machine over 20 ms frames.

Time is the number of frames fed. The detector's decision per frame comes in as a parameter, so that
tests need no detector and no clock; so does what the words so far are (`judge`).

    idle ──onset──► speaking ──pause_ms of silence──► paused ──enough silence──► SpeechEnded
                       ▲  SpeechStarted                  │ SpeechPaused          (or SpeechDropped)
                       └──────── SpeechResumed ◄─────────┘

`SpeechPaused` lets the line recognise early. How much silence is enough depends on what that gave:
a clear answer is over at once, an ordinary one after the hangover, one that is plainly not finished
("我…", digits, a date) waits as long as people think. `SpeechEnded` carries the very sound of the
pause, so its transcript is there already. Whoever goes on speaking voids the pause: the whole is
recognised anew, nothing is lost or doubled.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

from voice.frames import FRAME_MS, PHONE_RATE
from voice.listening.noise import level_db
from voice.listening.prominence import Prominence
from voice.listening.whole import Wanted


class Verdict(Enum):
    """What the words so far say about whether more will come."""

    PENDING = "they are being recognised"
    CLEAR = "a complete, clear answer"
    OPEN = "an ordinary utterance"
    INCOMPLETE = "plainly not finished"


@dataclass(frozen=True, slots=True)
class Pauses:
    """How much silence ends an utterance at one question, in milliseconds."""

    hangover_ms: int = 600  # an ordinary utterance
    thinking_ms: int = 2500  # one that is not finished: digits and dates contain such pauses
    quick: bool = True  # a clear answer may end it sooner, after `EndpointSettings.clear_ms`
    wanted: Wanted | None = None  # the number asked for, if any: all of it is a clear answer


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """Durations are rounded down to whole frames."""

    onset_frames: int = 3  # speaking frames …
    onset_window: int = 5  # … among so many begin an utterance
    resume_frames: int = 2  # speaking frames in a row that end a pause; one alone is a click
    pre_roll_ms: int = 240  # sound kept from before the onset, for soft consonants
    pause_ms: int = 100  # silence after which a short utterance is recognised …
    short_ms: int = 3000  # … which is no longer than this: no clear answer is
    long_pause_ms: int = 400  # and any other, so that a monologue is not recognised at every breath
    clear_ms: int = 200  # silence that ends a clear answer
    max_ms: int = 20_000  # a longer utterance is cut, so that memory and decoding are bounded

    def __post_init__(self) -> None:
        if not 1 <= self.onset_frames <= self.onset_window:
            raise ValueError("onset_frames must lie between 1 and onset_window")
        if not FRAME_MS <= self.pause_ms <= self.clear_ms <= self.long_pause_ms < self.max_ms:
            raise ValueError("needed: one frame <= pause_ms <= clear_ms <= long_pause_ms < max_ms")


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody began to speak. Followed by exactly one SpeechEnded or SpeechDropped."""

    at_ms: int  # when the sound began, some frames before now
    pcm: bytes = b""  # what was kept of it so far, with the pre-roll


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """A short silence; the speaker may go on. Worth recognising by now, unless `faint`."""

    pcm: bytes  # from the pre-roll to now
    start_ms: int
    end_ms: int  # where the last sound ended; the pcm has the silence until now as well
    pcm_start_ms: int = 0  # where the pcm begins: the pre-roll before start_ms
    faint: bool = False  # so far too short or too weak for speech: a click, a breath


@dataclass(frozen=True, slots=True)
class SpeechResumed:
    """The speaker went on: what was decoded at the pause is void."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """An utterance is over. Equal sound to the last SpeechPaused unless `cut` or `flush`ed."""

    pcm: bytes
    start_ms: int
    end_ms: int
    pcm_start_ms: int = 0  # where the pcm begins: the pre-roll before start_ms
    cut: bool = False  # it reached `max_ms`, or the line ended in mid-speech


@dataclass(frozen=True, slots=True)
class SpeechDropped:
    """What had started was a click or too weak to be speech."""

    at_ms: int


EndpointEvent = SpeechStarted | SpeechPaused | SpeechResumed | SpeechEnded | SpeechDropped


class Endpointer:
    """The utterances of one call. Not thread-safe; about 10 µs a frame."""

    def __init__(
        self,
        settings: EndpointSettings | None = None,
        pauses: Pauses | None = None,
        rate: int = PHONE_RATE,
    ) -> None:
        """`rate` of the sound, Hz."""
        self._frame_bytes = rate * FRAME_MS // 1000 * 2
        self._settings = settings or EndpointSettings()
        self._pauses = pauses or Pauses()
        self._prominence = Prominence()
        self._now = 0  # frames fed
        before = self._settings.pre_roll_ms // FRAME_MS + self._settings.onset_window
        self._before: deque[bytes] = deque(maxlen=before)
        self._recent: deque[bool] = deque(maxlen=self._settings.onset_window)
        self._sound = bytearray()
        self._forget()

    def _forget(self) -> None:
        self._open = False
        self._paused = False
        self._verdict = Verdict.OPEN  # on the words before the pause
        self._sound.clear()
        self._start = 0  # frame of the first sound
        self._first = 0  # frame with which the kept sound begins
        self._last = 0  # frame after the last sound
        self._run = 0  # speaking frames in a row

    @property
    def now_ms(self) -> int:
        """The time up to which sound was fed."""
        return self._now * FRAME_MS

    @property
    def silence_db(self) -> float:
        """A frame that is not louder is nobody speaking, dBFS."""
        return self._prominence.silence_db

    @property
    def speaking(self) -> bool:
        """An utterance is open (it may be in a pause)."""
        return self._open

    def expect(self, pauses: Pauses) -> None:
        """From now on so much silence ends an utterance, the open one included."""
        self._pauses = pauses

    def judge(self, pause: SpeechPaused, verdict: Verdict) -> list[EndpointEvent]:
        """What is known of the words before `pause`: PENDING keeps the utterance open until it is
        told. No effect when the speaker went on meanwhile. Returns the end if it is due."""
        if not self._paused or pause.end_ms != self._last * FRAME_MS:
            return []
        self._verdict = verdict
        return self._end_if_due()

    def feed(self, frame: bytes, speaking: bool, level: float | None = None) -> list[EndpointEvent]:
        """Take 20 ms of sound (s16le) and the detector's word on it; `level`: its dBFS where they
        are known already. Returns what happened, in order. Raises ValueError for a frame of another
        size."""
        if len(frame) != self._frame_bytes:
            raise ValueError(f"a frame is {self._frame_bytes} bytes, got {len(frame)}")
        if level is None:
            level = level_db(frame)
        speech = self._prominence.is_speech(speaking, level)
        self._now += 1
        return (
            self._continue(frame, speech, level) if self._open else self._wait(frame, speech, level)
        )

    def flush(self) -> SpeechEnded | None:
        """End the open utterance now: the answer is already clear, or the line is gone. None if
        there is none worth decoding."""
        ended = self._end(cut=not self._paused) if self._open else None
        return ended if isinstance(ended, SpeechEnded) else None

    def drop(self) -> None:
        """Nothing heard until now is part of any utterance, not even as its pre-roll."""
        self._before.clear()
        self._recent.clear()
        self._forget()

    def _wait(self, frame: bytes, speech: bool, level: float) -> list[EndpointEvent]:
        self._before.append(frame)
        self._recent.append(speech)
        if sum(self._recent) < self._settings.onset_frames:
            return []
        since = len(self._recent) - list(self._recent).index(True)  # frames since the first sound
        keep = since + self._settings.pre_roll_ms // FRAME_MS
        self._open = True
        self._start, self._last = self._now - since, self._now
        self._prominence.begin(sum(self._recent), level)
        self._run = self._settings.resume_frames
        kept = list(self._before)[-keep:]
        self._first = self._now - len(kept)
        self._sound += b"".join(kept)
        self._before.clear()
        self._recent.clear()
        return [SpeechStarted(self._start * FRAME_MS, bytes(self._sound))]

    def _continue(self, frame: bytes, speech: bool, level: float) -> list[EndpointEvent]:
        self._sound += frame
        events: list[EndpointEvent] = []
        self._run = self._run + 1 if self._prominence.goes_on(speech, level) else 0
        if self._run >= self._settings.resume_frames:
            self._last = self._now
            if self._paused:
                self._paused = False
                events.append(SpeechResumed((self._now - self._run) * FRAME_MS))
        if not self._paused and self._now - self._last >= self._pause_frames():
            self._paused, self._verdict = True, Verdict.OPEN
            self._kept = len(self._sound)
            events.append(
                SpeechPaused(
                    bytes(self._sound),
                    *self._span(),
                    self._first * FRAME_MS,
                    faint=self._prominence.faint,
                )
            )
        if ended := self._end_if_due():
            return events + ended
        if len(self._sound) >= self._settings.max_ms // FRAME_MS * self._frame_bytes:
            events.append(self._end(cut=True))
        return events

    def _pause_frames(self) -> int:
        """Silence after which it is worth recognising what was said so far."""
        settings = self._settings
        short = (self._last - self._start) * FRAME_MS <= settings.short_ms
        if short and self._pauses.quick:
            return settings.pause_ms // FRAME_MS
        return min(settings.long_pause_ms, self._pauses.hangover_ms) // FRAME_MS

    def _end_if_due(self) -> list[EndpointEvent]:
        """The end, once the silence is as long as the words so far ask for."""
        if not self._paused:
            return []
        pauses = self._pauses
        match self._verdict:
            case Verdict.CLEAR if pauses.quick:
                enough = min(self._settings.clear_ms, pauses.hangover_ms)
            case Verdict.CLEAR | Verdict.OPEN:
                enough = pauses.hangover_ms
            case Verdict.INCOMPLETE | Verdict.PENDING:
                enough = max(pauses.thinking_ms, pauses.hangover_ms)
        if self._now - self._last < enough // FRAME_MS:
            return []
        return [self._end(cut=False)]

    def _span(self) -> tuple[int, int]:
        return self._start * FRAME_MS, self._last * FRAME_MS

    def _end(self, *, cut: bool) -> SpeechEnded | SpeechDropped:
        event: SpeechEnded | SpeechDropped
        if self._prominence.faint:
            event = SpeechDropped(self._now * FRAME_MS)
        else:
            kept = self._kept if self._paused else len(self._sound)
            event = SpeechEnded(
                bytes(self._sound[:kept]), *self._span(), self._first * FRAME_MS, cut=cut
            )
        self._forget()
        return event
