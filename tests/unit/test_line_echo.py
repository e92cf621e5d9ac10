"""A telephone line that returns our own voice. Ticked by hand: what is late on a busy machine would
be another echo."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from tests.unit.phone_parts import LevelVad, ScriptedEars, ScriptedSpeaker, babble
from voice.frames import FRAME_BYTES, PHONE_RATE, SILENCE, LineEvent, Played, Utterance
from voice.line import Speech
from voice.listening.closed_set import YES_NO
from voice.listening.echo import Others
from voice.media import Audio, Media
from voice.pacing import Paced, Pacer
from voice.phone import PhoneLine

DOWN = 0.3  # 10 dB; the least that a network takes off an echo is 6 (ITU-T G.168)
FRAMES_LATE = 6


class ByHand(Pacer):
    """Ticks nothing."""

    def add(self, line: Paced) -> None:
        pass


class Hybrid:
    """The other end of the line: returns what it is sent, late and weaker, and adds a voice."""

    rate = PHONE_RATE

    def __init__(self, down: float) -> None:
        self.closed_by, self._down = "", down
        self.voice: deque[bytes] = deque()  # frames the caller is about to say
        self._sent: deque[bytes] = deque([SILENCE] * FRAMES_LATE)
        self._coming: list[Media] = []
        self._over = asyncio.Event()

    def send_frame(self, frame: bytes) -> None:
        self._sent.append(frame)
        echo = np.frombuffer(self._sent.popleft(), dtype="<i2") * self._down
        said = np.frombuffer(self.voice.popleft() if self.voice else SILENCE, dtype="<i2")
        self._coming.append(Audio((echo + said).astype("<i2").tobytes()))

    def say(self, pcm: bytes) -> None:
        self.voice.extend(pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES))

    def take(self) -> list[Media]:
        taken, self._coming = self._coming, []
        return taken

    def close(self, reason: str = "closed") -> None:
        self.closed_by = self.closed_by or reason
        self._over.set()

    async def ended(self) -> None:
        await self._over.wait()


class Stepped:
    """A line and its other end, twenty milliseconds at a time."""

    def __init__(self, line: PhoneLine, hybrid: Hybrid) -> None:
        self.line, self.hybrid = line, hybrid

    async def pass_ms(self, ms: int) -> None:
        for _ in range(ms // 20):
            self.line.tick()
            self.line.hear()
            for _ in range(3):  # the reader, the renderer, the recogniser
                await asyncio.sleep(0)

    async def next(self) -> LineEvent:
        """The next event; the time goes on until it is there."""
        waiting = asyncio.create_task(self.line.next())
        for _ in range(1000):
            await asyncio.wait((waiting,), timeout=0.001)  # a judgement runs on a thread
            if waiting.done():
                return waiting.result()
            await self.pass_ms(20)
        raise AssertionError("nothing happened for 20 s of the line")


@asynccontextmanager
async def stepped(ears: ScriptedEars, down: float = DOWN) -> AsyncIterator[Stepped]:
    hybrid = Hybrid(down)
    line = PhoneLine(
        *(hybrid, ears, ScriptedSpeaker(), ByHand()), vad=LevelVad(), speechlike=lambda *_: True
    )
    yield Stepped(line, hybrid)
    await line.close()


async def test_our_own_voice_stops_nothing_and_is_no_answer() -> None:
    ears = ScriptedEars([])
    async with stepped(ears) as call:
        call.line.say([Speech("A", "speech 2000")])
        call.line.listen(5.0, YES_NO)
        played, heard = await call.next(), await call.next()
        assert isinstance(played, Played)
        assert played.complete
        assert isinstance(heard, Utterance)
        assert heard.is_echo
        assert (heard.text, heard.engine, heard.over) == ("", "echo", "A")
        assert ears.asked == []  # not even recognised


async def test_of_an_echo_and_an_answer_only_the_answer_is_heard() -> None:
    ears, answer = ScriptedEars(["清楚"] * 3), babble(500, seed=2)
    async with stepped(ears) as call:
        call.line.say([Speech("A", "speech 1000", interruptible=False)])
        call.line.listen(5.0, YES_NO)
        played = await call.next()
        await call.pass_ms(180)  # the echo has just died away
        call.hybrid.say(answer)
        heard = await call.next()
        assert isinstance(played, Played)
        assert isinstance(heard, Utterance)
        assert not heard.is_echo
        assert (heard.text, heard.over) == ("清楚", None)
        assert heard.echo_ms >= 800
        assert heard.start_ms >= played.end_ms
        (asked, _) = ears.asked[-1]
        assert len(answer) <= len(asked) <= len(answer) + 2 * 8 * 400
        assert asked in heard.pcm


async def test_who_speaks_over_us_on_such_a_line_is_heard_and_stops_us() -> None:
    async with stepped(ScriptedEars(["转人工"] * 5)) as call:
        call.line.say([Speech("A", "speech 4000")])
        await call.pass_ms(1000)  # by now it is known that the line returns our voice
        call.hybrid.say(babble(1200, seed=3))
        played, heard = await call.next(), await call.next()
        assert isinstance(played, Played)
        assert (played.complete, played.reason) == (False, "barge-in")
        assert played.end_ms <= 1600
        assert isinstance(heard, Utterance)
        assert (heard.text, heard.over) == ("转人工", "A")


async def test_an_echo_too_torn_to_be_known_does_not_cut_us_short_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was cut is said again, and was cut again each time: nothing was ever heard to its end.
    Here every look at the voice is wrong; what is said over us is weighed as a whole, and known."""
    monkeypatch.setattr("voice.incoming.others", lambda *_: Others(0, 1))
    ends = []
    async with stepped(ScriptedEars([])) as call:
        for _ in range(5):
            call.line.say([Speech("A", "speech 2000")])
            call.line.listen(5.0, YES_NO)
            played, heard = await call.next(), await call.next()
            assert isinstance(played, Played)
            assert isinstance(heard, Utterance)
            assert heard.is_echo
            ends.append(played.complete)
    assert ends == [False, False, True, True, True]


async def test_a_line_that_returned_nothing_so_far_stops_at_once_for_a_voice_like_ours() -> None:
    """Its first syllable may fit what we said by chance; here it is that very sound."""
    async with stepped(ScriptedEars(["再说一遍"] * 5), down=0.0) as call:
        call.line.say([Speech("A", "speech 4000")])
        await call.pass_ms(1400)
        call.hybrid.say(babble(1800, seed=1)[2 * 8 * 1000 :])  # ours of 400 ms before
        played = await call.next()
        assert isinstance(played, Played)
        assert (played.complete, played.reason) == (False, "barge-in")
        assert played.end_ms <= 1400 + 300


async def test_an_utterance_whose_echo_cannot_be_judged_is_heard_as_a_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise np.linalg.LinAlgError("singular matrix")

    async with stepped(ScriptedEars(["清楚"] * 5)) as call:
        call.line.say([Speech("A", "speech 1000", interruptible=False)])
        monkeypatch.setattr("voice.listening.hearer.others", broken)
        played, heard = await call.next(), await call.next()
        assert isinstance(played, Played)
        assert isinstance(heard, Utterance)
        assert (heard.text, heard.echo_ms) == ("清楚", 0)
