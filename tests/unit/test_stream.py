"""Recognition while the caller speaks: order, a full queue, and turns that end by stable text."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.phone_parts import LevelVad, ScriptedSpeaker, calling, tone
from voice.errors import RecognitionFailed
from voice.frames import SILENCE, Hangup, Transcript, Utterance
from voice.incoming import Incoming
from voice.listening import stream
from voice.listening.closed_set import YES_NO, ClosedSet
from voice.listening.endpoint import Endpointer, Pauses
from voice.listening.stream import OpenSession, Stable, Stream


@dataclass
class Session:
    """Its text depends on how much it has heard."""

    owner: StreamingScript
    sound: bytes = b""

    async def accept(self, pcm: bytes) -> str | None:
        if self.owner.refusals:
            self.owner.refusals -= 1
            raise RecognitionFailed("8 utterances wait for recognition already")
        self.sound += pcm
        return self._text

    async def finish(self) -> Transcript:
        self.owner.finished.append(self.sound)
        return Transcript(self._text, 0.9, 0.1, "stream", 1.0)

    @property
    def _text(self) -> str:
        seconds = len(self.sound) / 16000
        return next((text for since, text in reversed(self.owner.texts) if seconds >= since), "")


@dataclass
class StreamingScript:
    """`texts`: from so many seconds of sound on this is the text so far."""

    texts: list[tuple[float, str]]
    refusals: int = 0
    streaming: bool = True
    opened: list[ClosedSet | None] = field(default_factory=list)
    finished: list[bytes] = field(default_factory=list)
    whole: list[bytes] = field(default_factory=list)

    async def open(self, rate: int, answers: ClosedSet | None = None) -> OpenSession:
        self.opened.append(answers)
        return Session(self)

    async def transcribe(
        self, pcm: bytes, rate: int, answers: ClosedSet | None = None
    ) -> Transcript:
        self.whole.append(pcm)
        return Transcript("whole", 0.9, 0.1, "stream", 1.0)


def test_text_is_stable_when_it_has_stayed_the_same() -> None:
    stable = Stable(needed=2)
    assert [stable.update(t) for t in ("", "", "", "是", "是的", "是的", "是的")] == [
        *(False, False, False, False, False, False, True)
    ]
    stable.moved()
    assert [stable.update("是的") for _ in range(2)] == [False, True]


@given(st.lists(st.binary(max_size=4000), max_size=20), st.integers(0, 5))
def test_all_sound_is_taken_once_and_in_order(pieces: list[bytes], refusals: int) -> None:
    async def run() -> None:
        ears = StreamingScript([(0, "x")], refusals=refusals)
        flow = Stream(ears, 8000, None, lambda _: None)
        for piece in pieces:
            flow.feed(piece)
            await asyncio.sleep(0)
        assert (await flow.finish()).engine == "stream"
        assert ears.finished == [b"".join(pieces)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "RETRY_S", 0)
        asyncio.run(run())


async def test_a_queue_that_stays_full_gives_the_recogniser_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "RETRY_S", 0)
    ears = StreamingScript([], refusals=10**6)
    flow = Stream(ears, 8000, None, lambda _: None)
    flow.feed(bytes(3200))
    with pytest.raises(RecognitionFailed):
        await flow.finish()
    assert len(ears.finished) == 1


async def test_what_is_abandoned_gives_the_recogniser_back() -> None:
    ears = StreamingScript([(0, "x")])
    flow = Stream(ears, 8000, None, lambda _: None)
    flow.feed(bytes(100_000))
    await asyncio.sleep(0)
    flow.abandon()
    await asyncio.wait((flow._task,), timeout=30)
    assert len(ears.finished) == 1


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5])
async def test_what_is_dropped_while_it_is_looked_at_for_echo_gives_the_recogniser_back(
    turns: int,
) -> None:
    """Whoever is heard next on the call would wait for it for ever. It may be dropped at any turn
    of the event loop."""
    ears, heard = StreamingScript([(0, "x")]), list[Utterance]()
    incoming = Incoming(
        *(ears, LevelVad(), Endpointer()),
        rate=8000,
        over=lambda _: None,
        on_utterance=heard.append,
    )
    for frame in [tone(20)] * 20 + [SILENCE] * 200:
        incoming.feed(frame, tone(20, hz=620))
        if incoming._last is not None:
            break
    opened = incoming._streamed
    assert opened is not None
    for _ in range(turns):
        await asyncio.sleep(0)
    incoming.drop()
    await asyncio.wait((opened._task,), timeout=10)
    assert (opened._task.done(), heard) == (True, [])
    assert len(ears.finished) == len(ears.opened)


async def test_a_clear_text_ends_the_turn_while_it_is_streamed() -> None:
    ears = StreamingScript([(0.3, "是"), (0.5, "是的")])
    async with calling(ears, ScriptedSpeaker()) as call:
        call.line.listen(5.0, YES_NO, Pauses(hangover_ms=2000))
        await call.caller.say(tone(400))
        heard = await call.next(Utterance, within_s=1.5)
        assert (heard.text, heard.engine) == ("是的", "stream")
        assert ears.opened == [YES_NO]
        assert ears.whole == []
        kept = ears.finished[0]
        assert kept.startswith(heard.pcm)  # from the pre-roll on, and some silence more


async def test_who_goes_on_is_heard_as_one_and_unstable_text_ends_nothing() -> None:
    ears = StreamingScript([(0.3, "一九五四年"), (1.4, "一九五四年三月八号")])
    async with calling(ears, ScriptedSpeaker()) as call:
        call.line.listen(5.0, None, Pauses(hangover_ms=500, thinking_ms=1500))
        await call.caller.say(tone(400) + SILENCE * 45 + tone(300))
        heard = await call.next(Utterance)
        assert heard.text == "一九五四年三月八号"
        assert heard.end_ms - heard.start_ms >= 1580
        await call.caller.hangup()
        assert isinstance(await call.line.next(), Hangup)
        assert len(ears.opened) == 1


async def test_a_stream_that_fails_is_heard_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "RETRIES", 1)
    ears = StreamingScript([], refusals=10**6)
    async with calling(ears, ScriptedSpeaker()) as call:
        call.line.listen(5.0, YES_NO, Pauses(thinking_ms=700))
        await call.caller.say(tone(400))
        assert (await call.next(Utterance)).text == "whole"
