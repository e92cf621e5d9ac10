"""A line without sound: clauses are played at once, the caller's side is a script."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Literal

from voice.frames import Hangup, Key, LineEvent, Played, Silence, Utterance
from voice.line import USUAL, Speech
from voice.listening.closed_set import ClosedSet
from voice.listening.endpoint import Pauses


class ScriptedLine:
    """Time is a counter: each clause takes a second, so offsets are ordered but nothing waits."""

    def __init__(self, kind: Literal["phone", "chat"] = "phone") -> None:
        self.kind: Literal["phone", "chat"] = kind
        self.hold = False  # True: the caller will interrupt, so nothing completes by itself
        self.spoken: list[Speech] = []
        self.patience: list[float] = []
        self.closed = False
        self._events: deque[LineEvent] = deque()
        self._unplayed: deque[Speech] = deque()
        self._now = 0
        self._waiting = asyncio.Event()
        self._fed = asyncio.Event()

    # -- the Line protocol

    def say(self, speech: Sequence[Speech]) -> None:
        self.spoken.extend(speech)
        self._unplayed.extend(speech)

    def stop(self) -> None:
        while self._unplayed:
            self._play(complete=False)

    def listen(
        self,
        patience_s: float,
        answers: ClosedSet | None = None,
        pauses: Pauses = USUAL,
        *,
        keys: bool = False,
    ) -> None:
        self.patience.append(patience_s)

    async def next(self) -> LineEvent:
        while True:
            if self._events:
                return self._events.popleft()
            if self._unplayed and not self.hold:
                self._play(complete=True)
                continue
            self._fed.clear()
            self._waiting.set()
            await self._fed.wait()

    async def drain(self) -> None:
        while self._unplayed:
            self._play(complete=True)

    async def close(self) -> None:
        self.closed = True

    # -- the script's side

    async def idle(self) -> None:
        """Until the conversation has nothing left to do but wait for the caller."""
        await self._waiting.wait()

    def _feed(self, event: LineEvent) -> None:
        self._waiting.clear()
        self._events.append(event)
        self._fed.set()

    def _play(self, *, complete: bool, ms: int = 1000) -> None:
        speech, start = self._unplayed.popleft(), self._now
        self._now += ms
        reason = "" if complete else "barge-in"
        self._events.append(Played(speech.id, complete, start, self._now, "scripted", reason))

    def caller_says(
        self, text: str, *, confidence: float = 0.95, interrupting: bool = False, echo_ms: int = 0
    ) -> None:
        """`interrupting`: while a clause is still being spoken. `echo_ms` of it is our own."""
        over = self._unplayed[0].id if self._unplayed else None
        if interrupting:
            self.hold = False
            cut = deque(s for s in self._unplayed if s.interruptible)
            if over and self._unplayed[0].interruptible:
                ms = 1000  # of the clause that is cut; those after it never began
                while cut:
                    self._unplayed.remove(cut[0])
                    self._unplayed.appendleft(cut.popleft())
                    self._play(complete=False, ms=ms)
                    ms = 0
        start = self._now
        self._now += 500
        self._feed(
            Utterance(
                text, "voice", confidence, start, self._now, pcm=b"\1\0" * 80, over=over,
                engine="scripted", echo_ms=echo_ms,
            )
        )  # fmt: skip

    def echoes(self) -> None:
        """The line returns our own voice: loud, but nobody spoke."""
        start, pcm = self._now, b"\1\0" * 800
        self._now += 100
        self._feed(
            Utterance(
                "", "voice", 0.0, start, self._now, pcm, pcm_start_ms=start, engine="echo",
                echo_ms=100,
            )
        )  # fmt: skip

    def caller_keys(self, digits: str) -> None:
        for digit in digits:
            self._now += 200
            over = self._unplayed[0].id if self._unplayed else None
            self._feed(Key(digit, self._now, over))

    def time_passes(self, seconds: float) -> None:
        self._now += int(seconds * 1000)

    def caller_is_silent(self) -> None:
        waited = self.patience[-1]
        self._now += int(waited * 1000)
        self._feed(Silence(self._now, waited))

    def caller_hangs_up(self) -> None:
        self._feed(Hangup(self._now, "caller"))

    def breaks(self, how: str) -> None:
        """Not the caller's doing: a fault of ours or of the exchange."""
        self._feed(Hangup(self._now, f"error: {how}"))
