"""The listening half of a phone line: from the caller's frames to utterances, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from voice.frames import FRAME_MS, PHONE_RATE, Transcript, Utterance
from voice.jitter import Jitter
from voice.listening.closed_set import ClosedSet
from voice.listening.complete import verdict
from voice.listening.echo import PIECE_MS, Sent, others
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
from voice.listening.hearer import UNHEARD, Ears, Hearer, Hearing
from voice.listening.noise import level_db
from voice.listening.speechlike import LOOK_MS
from voice.listening.stream import Stream
from voice.listening.tones import ToneDetector
from voice.listening.vad import Vad
from voice.listening.whole import Wanted
from voice.patience import BargeIn

NEWEST_MS = 1200  # kept of what was heard: an echo is also told by what did not come back
ECHO_DOUBTS = 3  # looks at a voice, a fifth of a second apart, on a line that has returned ours
MOST_DOUBTS = 24  # of a line on which we have cut ourselves short: it takes five seconds to stop us


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
        speechlike: Callable[[bytes, int], bool] = lambda _pcm, _rate: True,
    ) -> None:
        """`over(ms)` is the id of our own speech that sounded at that time, if any. `on_tone` is
        told of a key inside the sound: once with True, then at every frame while it is held.
        `speechlike(pcm, rate)` is a second opinion on a sound that would cut our speech."""
        self.jitter = Jitter(rate // 50 * 2)
        self._sent = Sent(rate)
        self._newest: deque[bytes] = deque(maxlen=NEWEST_MS // FRAME_MS)  # frames heard
        self._speechlike = speechlike
        self.voice = False  # the caller's voice is in the last frame
        self._barge_in = BargeIn()
        self._doubts = 0  # voices still to be heard until one is believed to be the caller's
        self._doubting = ECHO_DOUBTS  # so many, once our own was heard
        self._believed = False  # a voice was the caller's, and our speech cut for it
        self._vad, self._endpointer = vad, endpointer
        self._ears, self._hearer = ears, Hearer(ears, self._sent, rate)
        self._rate = rate
        self._over, self._on_utterance, self._on_tone = over, on_utterance, on_tone
        # A wideband trunk sends keys as events; the detector is made for 8 kHz.
        self._tones = ToneDetector() if rate == PHONE_RATE else None
        self._answers: ClosedSet | None = None
        self._wanted: Wanted | None = None
        self._spoke_over: str | None = None
        self._active = False  # speech has begun and is not in a pause
        self._early: asyncio.Task[Hearing] | None = None  # decoding since the pause
        self._stream: Stream | None = None  # of the open utterance, where the engine streams
        self._streamed: Stream | None = None  # the newest one, open or not
        self._pause: SpeechPaused | None = None
        self._last: asyncio.Task[None] | None = None  # delivers the newest utterance

    @property
    def quiet(self) -> bool:
        """Nobody speaks and everything said was delivered."""
        return not self._endpointer.speaking and (self._last is None or self._last.done())

    def next_frame(self) -> bytes | None:
        """What was heard in this tick; None when nothing has arrived."""
        return self.jitter.pop(self._endpointer.silence_db)

    def expect(self, answers: ClosedSet | None, pauses: Pauses) -> None:
        """What makes sense as an answer, and how much silence ends it."""
        self._answers, self._wanted = answers, pauses.wanted
        self._endpointer.expect(pauses)

    def barges_in(self, *, over: bool) -> bool:
        """To be asked once a tick: whether the caller speaks, and not a cough, a door or our own
        voice. `over`: something that may be cut for it is sounding."""
        if not self._barge_in.tick(voice=self.voice, over=over) or not self._is_speech():
            return False
        if not self._is_caller():
            self._barge_in.forget()
            return False
        return True

    def _is_speech(self) -> bool:
        """What was heard last is somebody speaking. Costs some milliseconds."""
        newest = list(self._newest)[-LOOK_MS // FRAME_MS :]
        return self._speechlike(b"".join(newest), self._rate)

    def _is_caller(self) -> bool:
        """What was heard last is the caller's voice and not our own: to be asked before our speech
        is cut for it. Costs some milliseconds. On a line that has returned our voice it must be
        so ECHO_DOUBTS times in a row: now and then a piece of an echo is too torn to be known."""
        newest, piece = list(self._newest), PIECE_MS // FRAME_MS
        earlier, heard = b"".join(newest[:-piece]), b"".join(newest[-piece:])
        now_ms = self._endpointer.now_ms
        sent = self._sent.before(now_ms - len(newest) * FRAME_MS, now_ms)
        if not others(heard, sent, self._rate, earlier):
            self._doubts = self._doubting
        elif self._doubts:
            self._doubts -= 1
        self._believed |= self._doubts == 0
        return self._doubts == 0

    def feed(self, frame: bytes, sent: bytes) -> None:
        """Both sides of one tick: what the caller's brought, what ours sent."""
        self._sent.add(sent)
        self._newest.append(frame)
        speech, level = self._vad.speaking(frame), level_db(frame)
        if self._tones is not None:
            if tone := self._tones.feed(frame, level):
                self._on_tone(tone.digit, True)
            if self._tones.down:  # a key is no speech, however loud
                speech = False
                self._on_tone(self._tones.down, False)
        if self._stream is not None:
            self._stream.feed(frame)
        self._take(self._endpointer.feed(frame, speech, level))
        self.voice = speech and self._active

    def _take(self, events: Iterable[EndpointEvent]) -> None:
        for event in events:
            match event:
                case SpeechStarted():
                    self._active = True
                    self._spoke_over = self._over(event.at_ms)
                    if self._ears.streaming:
                        self._open_stream(event.pcm)
                case SpeechPaused():
                    self._active, self._pause = False, event
                    if not event.faint:
                        self._endpointer.judge(event, Verdict.PENDING)
                        if self._stream is None:
                            self._recognise(event)
                case SpeechResumed():
                    self._active, self._pause = True, None
                    self._forget_early()
                    if self._stream is not None:
                        self._stream.resumed()
                case SpeechDropped():
                    self._active = False
                    self._forget()
                case SpeechEnded():
                    self._active = False
                    self._deliver(event)

    def _open_stream(self, pcm: bytes) -> None:
        before = self._streamed
        self._stream = Stream(self._ears, self._rate, self._answers, self._read, after=before)
        self._streamed = self._stream
        self._stream.feed(pcm)

    def _read(self, text: str) -> None:
        """The text of a stream has come to rest; in a pause it tells how long to wait."""
        if self._pause is not None and self._stream is not None:
            sofar = Transcript(text, 1.0, 0.0, "partial", 0.0)
            known = verdict(sofar, self._stream.answers, self._wanted)
            self._take(self._endpointer.judge(self._pause, known))

    def _recognise(self, pause: SpeechPaused) -> None:
        """Most pauses are the end: recognise now, and let the words say how long to wait."""
        answers = self._answers
        self._early = asyncio.create_task(self._hearer.hear(pause.pcm, pause.pcm_start_ms, answers))
        self._early.add_done_callback(partial(self._weigh, pause, answers, self._wanted))

    def _weigh(
        self,
        pause: SpeechPaused,
        answers: ClosedSet | None,
        wanted: Wanted | None,
        heard: asyncio.Task[Hearing],
    ) -> None:
        if not heard.cancelled():
            known = verdict(heard.result().transcript, answers, wanted)
            self._take(self._endpointer.judge(pause, known))

    async def finish(self, timeout_s: float) -> None:
        """The line is gone: deliver what was said until then, within `timeout_s`."""
        ended = self._endpointer.flush()
        if ended is not None:
            self._deliver(ended)
        if self._last is not None:
            await asyncio.wait((self._last,), timeout=timeout_s)
        self.close()

    def drop(self) -> None:
        """Nothing of what was said until now is delivered."""
        self._endpointer.drop()
        self._active = False
        self.close()

    def close(self) -> None:
        """Deliver nothing more."""
        self._forget()
        if self._last is not None:
            self._last.cancel()

    def _deliver(self, ended: SpeechEnded) -> None:
        early, self._early = self._early, None
        if ended.cut and early is not None:
            early.cancel()
            early = None
        if self._stream is not None:
            stream, self._stream = self._stream, None
            rest = self._hearer.rest_of(stream, ended.pcm, ended.pcm_start_ms)
            early = asyncio.create_task(rest)
            # Given up before it came to that, it has not told the stream so: the recogniser would
            # not come back, and what is said next on this call waits for it.
            early.add_done_callback(lambda _: stream.abandon())
        hearing = early or asyncio.create_task(
            self._hearer.hear(ended.pcm, ended.pcm_start_ms, self._answers)
        )
        self._last = asyncio.create_task(
            self._emit(ended, hearing, self._answers, self._spoke_over, after=self._last)
        )

    async def _emit(
        self,
        said: SpeechEnded,
        hearing: asyncio.Task[Hearing],
        answers: ClosedSet | None,
        over: str | None,
        after: asyncio.Task[None] | None,
    ) -> None:
        """Pass on one utterance, never before the one `after` which it comes."""
        try:
            result = await hearing
            if result.transcript is UNHEARD:  # a full queue may have room by now
                result = await self._hearer.hear(said.pcm, said.pcm_start_ms, answers)
            if after is not None:
                await asyncio.wait((after,))
        except asyncio.CancelledError:
            hearing.cancel()
            if after is not None:
                after.cancel()
            raise
        utterance = _utterance(said, result, over, self._rate)
        if utterance.start_ms > said.start_ms:  # the caller began only after the echo
            utterance = replace(utterance, over=self._over(utterance.start_ms))
        if utterance.is_echo:
            self._doubt()
        self._on_utterance(utterance)

    def _doubt(self) -> None:
        """The line has returned our voice. If we were cut short by it, it was too torn to be known
        at once, and what is said again would be cut again, without end: of such a line less is
        believed each time. Keys stop us still, and whatever is said over us is heard."""
        if self._believed:
            self._doubting = min(2 * self._doubting, MOST_DOUBTS)
        self._believed, self._doubts = False, self._doubting

    def _forget(self) -> None:
        """What is open comes to nothing."""
        self._forget_early()
        if self._stream is not None:
            self._stream.abandon()
            self._stream = None

    def _forget_early(self) -> None:
        if self._early is not None:
            self._early.cancel()
            self._early = None


def _utterance(said: SpeechEnded, result: Hearing, over: str | None, rate: int) -> Utterance:
    heard, theirs = result.transcript, result.others
    begin_ms, end_ms = (said.pcm_start_ms + at * 500 // rate for at in (theirs.start, theirs.end))
    echo_ms = (len(said.pcm) - (theirs.end - theirs.start)) * 500 // rate
    return Utterance(
        text=heard.text,
        via="voice",
        confidence=heard.confidence,
        start_ms=max(said.start_ms, begin_ms) if theirs else said.start_ms,
        end_ms=min(said.end_ms, end_ms) if theirs else said.end_ms,
        pcm=said.pcm,
        pcm_start_ms=said.pcm_start_ms,
        rate=rate,
        no_speech=heard.no_speech,
        engine=heard.engine,
        over=over,
        echo_ms=echo_ms,
        **heard.clues(),
    )
