"""A telephone call as a `Line`: media frames in and out, twenty milliseconds at a time.

Each tick of the pacer sends one frame, takes one frame of the caller, writes both to the recording
and moves every counter of the call: all times of a call are ticks, and offsets into the recording.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

import structlog

from voice.frames import FRAME_MS, Hangup, Key, LineEvent, Utterance
from voice.incoming import Incoming
from voice.keys import KEYS, KeyOnce
from voice.line import USUAL, Speech
from voice.listening.closed_set import ClosedSet
from voice.listening.endpoint import Endpointer, Pauses
from voice.listening.hearer import Ears
from voice.listening.speechlike import shared
from voice.listening.vad import Vad, WebRtcVad
from voice.media import Audio, MediaConnection
from voice.outgoing import Outgoing, Renderer
from voice.pacing import Pacer
from voice.patience import Courtesy, Patience
from voice.survived import survived
from voice.tap import Tap

log = structlog.get_logger()

MAX_EVENTS = 256  # waiting for the conversation; a person cannot produce more
PIECE = 250  # frames of silence written at once
LAST_WORDS_S = 3.0  # for recognising what was said just before the caller hung up


class PhoneLine:
    """Implements `voice.line.Line`. Lives from the call's first moment to its hang-up: made on an
    open connection, it sends silence at once."""

    kind: Literal["phone", "chat"] = "phone"

    def __init__(
        self,
        connection: MediaConnection,
        ears: Ears,
        speaker: Renderer,
        pacer: Pacer,
        tap: Tap | None = None,
        *,
        vad: Vad | None = None,
        endpointer: Endpointer | None = None,
        speechlike: Callable[[bytes, int], bool] | None = None,
        filler: str = "",
    ) -> None:
        """`ears` is a RecogniserPool, `speaker` a Speaker, both shared by all calls. `speechlike`:
        see `Incoming`. `filler`: a few words to bridge the wait for a sentence that is not rendered
        yet."""
        self.dropped = 0  # keys that nobody took in time
        self._connection, self._pacer, self._tap = connection, pacer, tap
        self._frame_bytes = connection.rate * FRAME_MS // 1000 * 2
        self._sent = bytes(self._frame_bytes)
        self._out = Outgoing(speaker, self._put, connection.rate)
        self._in = Incoming(
            ears,
            vad or WebRtcVad(rate=connection.rate),
            endpointer or Endpointer(rate=connection.rate),
            rate=connection.rate,
            over=self._out.playback.over,
            on_utterance=self._heard,
            on_tone=self._tone,
            speechlike=speechlike or shared(),
        )
        self._patience = Patience()
        self._courtesy = Courtesy()
        self._once = KeyOnce()
        self._events: asyncio.Queue[LineEvent] = asyncio.Queue()
        self._gone = False
        self._ending = asyncio.create_task(self._end(), name="phone line")
        self._filling = asyncio.create_task(self._out.fill_with(filler)) if filler else None
        pacer.add(self)

    # -- Line

    def say(self, speech: Sequence[Speech]) -> None:
        if not self._gone:
            self._out.say(speech)

    def stop(self) -> None:
        self._out.stop()

    def key_up(self, digit: str) -> None:
        """A key, says the exchange's manager: an AudioSocket before 22.4 tells of none."""
        known = digit in KEYS and not self._gone
        if known and self._once.new(digit, "manager", self._out.playback.now_ms):
            self._key(digit)

    def key_down(self) -> None:
        """A key went down, says the exchange, before it is up and comes as an event: our speech
        stops now, unless it may not be interrupted."""
        self._out.interrupt()

    def record(self, tap: Tap) -> None:
        """Record from here on. What was before is silence there: all offsets stay the line's. No
        utterance reaches back to it, for the recording has to hold whatever is heard."""
        missed = self._out.playback.now_ms // FRAME_MS
        for at in range(0, missed, PIECE):
            silence = bytes(min(PIECE, missed - at) * self._frame_bytes)
            tap.write(silence, silence)
        self._tap = tap
        self._in.drop()

    def forget(self) -> None:
        """What was heard until now was not said to us. The rest of it is dropped, too."""
        self._in.drop()
        while not self._events.empty():
            event = self._events.get_nowait()
            if isinstance(event, Hangup):
                self._events.put_nowait(event)
                break

    def listen(
        self,
        patience_s: float,
        answers: ClosedSet | None = None,
        pauses: Pauses = USUAL,
        *,
        keys: bool = False,
    ) -> None:
        del keys  # on a telephone they are keys anyway
        self._in.expect(answers, pauses)
        self._patience.expect(patience_s)

    async def next(self) -> LineEvent:
        return await self._events.get()

    async def drain(self) -> None:
        await self._out.drained.wait()

    async def close(self) -> None:
        self._connection.close()
        await asyncio.wait((self._ending,))

    # -- one tick of the pacer

    def tick(self) -> None:
        """Send one frame."""
        self._sent = self._out.next_frame(hold=self._courtesy.tick(talking=not self._in.quiet))
        self._connection.send_frame(self._sent)

    def hear(self) -> None:
        """Take one frame."""
        self._pass(self._sent)

    def skip(self) -> None:
        """A tick in which nothing could be sent: the caller heard nothing, and went on talking."""
        self._out.playback.skip()
        self._pass(bytes(self._frame_bytes))

    def fail(self, error: Exception, /) -> None:
        """A tick broke: the exchange takes the call back and gives it to a human."""
        self._connection.close(f"error: {type(error).__name__}")

    def _pass(self, sent: bytes) -> None:
        if not self._in.jitter.full:  # a peer that sends faster than real time has to wait
            self._take()
        heard = self._in.next_frame() or bytes(self._frame_bytes)
        self._record(heard, sent)
        self._in.feed(heard, sent)
        speech = self._out.playback.sounding
        over = speech is not None and speech.interruptible
        if self._in.barges_in(over=over):
            self._out.interrupt()
        quiet = self._in.quiet and self._out.playback.drained
        silence = self._patience.tick(quiet=quiet, now_ms=self._out.playback.now_ms)
        if silence is not None:
            self._put(silence)

    def _record(self, heard: bytes, sent: bytes) -> None:
        if self._tap is None:
            return
        try:
            self._tap.write(heard, sent)
        except Exception:
            log.exception("line.tap_failed")  # the call goes on; the record says it has no sound
            self._tap = None

    # -- what comes in

    def _take(self) -> None:
        for message in self._connection.take():
            if isinstance(message, Audio):
                self._in.jitter.push(message.pcm)
            else:
                self._digit(message.digit)

    async def _end(self) -> None:
        """When either side hangs up: report everything that is still due, the hang-up last. That
        comes whatever breaks: the conversation waits for it."""
        await self._connection.ended()
        self._pacer.remove(self)
        if self._filling is not None:
            self._filling.cancel()
        reason = self._connection.closed_by
        with survived("line.last_words_failed"):
            if not reason.startswith("error"):
                self._take()
                while len(self._in.jitter):  # the last sound that came belongs to the recording
                    self.skip()
            if reason == "caller":
                await self._in.finish(LAST_WORDS_S)
        self._in.close()
        self._out.hung_up()
        self._put(Hangup(self._out.playback.now_ms, reason))
        self._gone = True

    def _digit(self, digit: str) -> None:
        if digit in KEYS and self._once.new(digit, "event", self._out.playback.now_ms):
            self._key(digit)

    def _tone(self, digit: str, begun: bool) -> None:
        """A key as sound, for trunks that send no events."""
        at_ms = self._out.playback.now_ms
        if not begun:
            self._once.held(digit, at_ms)
        elif digit in KEYS and self._once.new(digit, "tone", at_ms):
            self._key(digit)

    def _key(self, digit: str) -> None:
        if self._events.qsize() >= MAX_EVENTS:
            self.dropped += 1
            return
        playback = self._out.playback
        self._patience.again()
        self._courtesy.waive()
        self._put(Key(digit, playback.now_ms, playback.over(playback.now_ms)))
        self._out.interrupt()

    def _heard(self, utterance: Utterance) -> None:
        self._patience.again()
        self._put(utterance)

    def _put(self, event: LineEvent) -> None:
        if not self._gone:
            self._events.put_nowait(event)
