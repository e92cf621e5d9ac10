"""A whole telephone line over real TCP, in real time; only hearing and speaking are scripted."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import numpy as np
import pytest

from tests.unit.phone_parts import (
    LevelVad,
    MemoryTap,
    ScriptedEars,
    ScriptedSpeaker,
    calling,
    tone,
)
from voice import audiosocket as codec
from voice.errors import RecognitionFailed
from voice.frames import SILENCE, Hangup, Key, Played, Silence, Utterance
from voice.jitter import TARGET_FRAMES
from voice.line import Speech
from voice.listening.closed_set import YES_NO
from voice.listening.endpoint import Pauses
from voice.listening.speechlike import LOOK_MS
from voice.listening.whole import Wanted
from voice.media import Audio, Digit, Media
from voice.pacing import Pacer
from voice.phone import PhoneLine


def clause(id: str, text: str, *, interruptible: bool = True, pause_ms: int = 40) -> Speech:
    return Speech(id, text, interruptible=interruptible, pause_ms=pause_ms)


async def test_a_question_and_its_answer() -> None:
    ears = ScriptedEars(["清楚"])
    async with calling(ears, ScriptedSpeaker()) as call:
        call.line.say([clause("T", "term 200"), clause("Q", "question 200")])
        call.line.listen(0.6, YES_NO, Pauses(hangover_ms=300))
        first, second = await call.next(Played), await call.next(Played)
        assert (first.id, first.complete, first.voice) == ("T", True, "script")
        assert (second.id, second.complete) == ("Q", True)
        assert first.end_ms - first.start_ms == 200
        assert second.start_ms - first.end_ms == 40  # the pause
        await call.caller.say(tone(400))
        heard = await call.next(Utterance)
        assert (heard.text, heard.over, heard.engine) == ("清楚", None, "script")
        assert ears.asked[0][1] is YES_NO
        silence = await call.next(Silence)
        assert silence.waited_s == 0.6
        assert silence.at_ms >= heard.end_ms + 200 + 600  # a clear answer ends soon


async def test_offsets_point_into_the_recording() -> None:
    async with calling(ScriptedEars(["是"]), ScriptedSpeaker()) as call:
        call.line.say([clause("A", "a 200", interruptible=False)])
        played = await call.next(Played)
        await call.caller.say(tone(300, hz=300))
        heard = await call.next(Utterance)
        bot = np.frombuffer(bytes(call.tap.bot), dtype="<i2")
        loud = np.flatnonzero(bot)
        assert abs(loud[0] - played.start_ms * 8) <= 160
        assert abs(loud[-1] - played.end_ms * 8) <= 160
        voice = np.flatnonzero(np.frombuffer(bytes(call.tap.caller), dtype="<i2"))
        assert abs(voice[0] - heard.start_ms * 8) <= 160
        assert abs(voice[-1] - heard.end_ms * 8) <= 320
        assert len(voice) > 2300  # nothing of the 2400 samples lost


async def test_a_recording_that_begins_late_has_silence_for_what_was_before() -> None:
    async with calling(ScriptedEars([]), ScriptedSpeaker()) as call:
        call.line.say([clause("A", "a 200", interruptible=False)])
        await call.next(Played)
        late = MemoryTap()
        call.line.record(late)
        call.line.say([clause("B", "b 200", interruptible=False)])
        played = await call.next(Played)
    loud = np.flatnonzero(np.frombuffer(bytes(late.bot), dtype="<i2"))
    assert abs(loud[0] / 8 - played.start_ms) <= 20
    assert len(late.bot) == len(late.caller)


async def test_the_recording_holds_what_is_heard_though_somebody_spoke_before_it() -> None:
    async with calling(ScriptedEars(["您好"]), ScriptedSpeaker()) as call:
        call.line.listen(5.0, YES_NO, Pauses(hangover_ms=300))
        speaking = asyncio.create_task(call.caller.say(tone(900)))
        await asyncio.sleep(0.4)
        late = MemoryTap()
        call.line.record(late)
        heard = await call.next(Utterance)
        await speaking
    assert heard.pcm == bytes(late.caller)[heard.pcm_start_ms * 16 : heard.pcm_end_ms * 16]
    assert len(heard.pcm) > 16 * 300


async def test_what_was_heard_before_is_forgotten_and_what_comes_is_not() -> None:
    async with calling(ScriptedEars(["以前", "现在"]), ScriptedSpeaker()) as call:
        call.line.listen(5.0, YES_NO, Pauses(hangover_ms=300))
        call.caller.key("5")
        await call.caller.say(tone(600))  # its end is not waited for
        call.line.forget()
        await asyncio.sleep(1.2)
        await call.caller.say(tone(400))
        heard = await call.next(Utterance)  # and no key
        assert heard.start_ms >= 600 + 1100


async def test_patience_runs_only_when_everything_was_said_and_fires_once() -> None:
    async with calling(ScriptedEars([]), ScriptedSpeaker()) as call:
        call.line.listen(0.1)
        call.line.say([clause("A", "a 300")])
        played = await call.next(Played)
        silence = await call.next(Silence)
        assert silence.at_ms - played.end_ms >= 100
        with_nothing_expected = asyncio.create_task(call.line.next())
        await asyncio.sleep(0.3)
        assert not with_nothing_expected.done()
        with_nothing_expected.cancel()


async def test_speech_over_a_clause_stops_it_and_what_came_with_it() -> None:
    ears = ScriptedEars(["等一下"])
    async with calling(ears, ScriptedSpeaker()) as call:
        call.line.say([clause("A", "a 3000"), clause("B", "b 500")])
        call.line.say([clause("C", "c 100", interruptible=False)])
        await call.caller.wait_speech(2.0)
        await call.caller.say(tone(500))
        cut, dropped = await call.next(Played), await call.next(Played)
        assert (cut.id, cut.complete, cut.reason) == ("A", False, "barge-in")
        assert (dropped.id, dropped.complete, dropped.reason) == ("B", False, "barge-in")
        assert dropped.start_ms == dropped.end_ms
        heard = await call.next(Utterance)
        assert heard.over == "A"
        later = await call.next(Played)
        assert (later.id, later.complete) == ("C", True)  # C came with another `say` …
        assert later.start_ms >= heard.end_ms  # … and does not begin while the caller speaks
        assert 200 <= cut.end_ms - heard.start_ms <= 360


async def test_a_loud_noise_that_is_no_speech_stops_nothing() -> None:
    looks = []

    def speechlike(pcm: bytes, rate: int) -> bool:
        looks.append(len(pcm) / 2 / rate)
        return False

    async with calling(ScriptedEars([""]), ScriptedSpeaker(), speechlike=speechlike) as call:
        call.line.say([clause("A", "a 1200")])
        await call.caller.wait_speech(2.0)
        await call.caller.say(tone(600))
        played = await call.next(Played)
        assert (played.id, played.complete) == ("A", True)
    assert len(looks) > 1, "asked once only"
    assert max(looks) <= LOOK_MS / 1000


async def test_a_cough_stops_nothing() -> None:
    async with calling(ScriptedEars([""]), ScriptedSpeaker()) as call:
        call.line.say([clause("A", "a 1200")])
        await call.caller.wait_speech(2.0)
        await call.caller.say(tone(140))
        assert (await call.next(Utterance)).over == "A"
        assert (await call.next(Played)).complete


async def test_a_disclosure_is_spoken_to_its_end_and_the_caller_is_heard_over_it() -> None:
    async with calling(ScriptedEars(["转人工"]), ScriptedSpeaker()) as call:
        call.line.say([clause("O", "o 1600", interruptible=False)])
        await call.caller.wait_speech(2.0)
        await call.caller.say(tone(400))
        call.caller.key("0")
        key = await call.next(Key)
        assert (key.digit, key.over) == ("0", "O")
        heard = await call.next(Utterance)
        assert (heard.text, heard.over) == ("转人工", "O")
        assert (await call.next(Played)).complete


async def test_a_key_stops_speech_at_once() -> None:
    async with calling(ScriptedEars([]), ScriptedSpeaker()) as call:
        call.line.say([clause("A", "a 5000"), clause("B", "b 5000")])
        await call.caller.wait_speech(2.0)
        call.caller.key("1")
        key, cut, dropped = (
            await call.next(Key),
            await call.next(Played),
            await call.next(Played),
        )
        assert (key.digit, key.over) == ("1", "A")
        assert (cut.complete, dropped.complete) == (False, False)
        assert cut.end_ms - key.at_ms <= 20
        call.line.say([clause("C", "c 100")])
        assert (await call.next(Played)).complete


async def test_stop_cuts_even_what_may_not_be_interrupted() -> None:
    async with calling(ScriptedEars([]), ScriptedSpeaker()) as call:
        call.line.say([clause("A", "a 5000", interruptible=False), clause("B", "b 100")])
        await call.caller.wait_speech(2.0)
        call.line.stop()
        call.line.say([clause("H", "h 100", interruptible=False)])
        reasons = {(e.id, e.reason) for e in [await call.next(Played), await call.next(Played)]}
        assert reasons == {("A", "stopped"), ("B", "stopped")}
        assert (await call.next(Played)).id == "H"
        await call.line.drain()


async def test_a_sentence_that_cannot_be_spoken_is_reported_in_its_turn() -> None:
    async with calling(ScriptedEars([]), ScriptedSpeaker()) as call:
        call.line.say([clause("A", "a 200"), clause("B", "broken"), clause("C", "empty")])
        assert (await call.next(Played)).complete
        assert (await call.next(Played)).reason == "failed: the engine is gone"
        assert (await call.next(Played)).reason == "failed: no sound"
        await call.line.drain()


async def test_a_slow_sentence_does_not_hold_up_the_frames() -> None:
    speaker = ScriptedSpeaker()
    async with calling(ScriptedEars([]), speaker) as call:
        call.line.say([clause("A", "slow 200"), clause("B", "b 100")])
        async with asyncio.timeout(30):
            while len(call.caller.arrivals) < 15:  # noqa: ASYNC110 - silence flows
                await asyncio.sleep(0.01)
        speaker.release.set()
        assert [(await call.next(Played)).id for _ in "AB"] == ["A", "B"]
        assert speaker.rendered[0] == ("slow 200", True)
        assert speaker.rendered[1] == ("b 100", False)


async def test_a_few_words_bridge_the_wait_for_a_slow_sentence() -> None:
    speaker = ScriptedSpeaker()
    async with calling(ScriptedEars([]), speaker, filler="moment 100") as call:
        call.line.say([clause("A", "slow 200")])
        bridge = await call.next(Played)
        assert (bridge.id, bridge.complete, bridge.voice) == ("filler.1", True, "script")
        assert 580 <= bridge.start_ms <= 640
        speaker.release.set()
        assert (await call.next(Played)).id == "A"


async def test_words_that_cannot_be_spoken_bridge_nothing_and_harm_nothing() -> None:
    speaker = ScriptedSpeaker()
    async with calling(ScriptedEars([]), speaker, filler="broken") as call:
        call.line.say([clause("A", "slow 200")])
        await asyncio.sleep(0.8)
        speaker.release.set()
        assert (await call.next(Played)).id == "A"


async def test_a_dropped_sentence_is_no_longer_rendered() -> None:
    speaker = ScriptedSpeaker()
    async with calling(ScriptedEars([]), speaker) as call:
        call.line.say([clause(f"S{n}", f"slow {n} 100") for n in range(5)])
        await asyncio.sleep(0.05)
        call.line.stop()
        call.line.say([clause("H", "h 100")])
        played = [await call.next(Played) for _ in range(6)]
        assert [p.id for p in played if p.complete] == ["H"]
        assert len(speaker.rendered) == 4  # three ahead, and H


async def test_two_answers_come_in_order_though_the_second_is_recognised_sooner() -> None:
    ears = ScriptedEars(["一", "二"])
    ears.delay_s = 0.9
    async with calling(ears, ScriptedSpeaker()) as call:
        call.line.listen(5.0, None, Pauses(hangover_ms=200, thinking_ms=200))
        await call.caller.say(tone(200))
        await asyncio.sleep(0.5)
        ears.delay_s = 0.0
        await call.caller.say(tone(200))
        assert [(await call.next(Utterance)).text for _ in "12"] == ["一", "二"]


async def test_a_pause_inside_an_answer_is_decoded_anew() -> None:
    ears = ScriptedEars(["一九五四年", "一九五四年三月八号"])
    async with calling(ears, ScriptedSpeaker()) as call:
        call.line.listen(5.0, None, Pauses(hangover_ms=700))
        await call.caller.say(tone(300) + bytes(320 * 20) + tone(300))
        heard = await call.next(Utterance)
        assert heard.text == "一九五四年三月八号"
        assert heard.end_ms - heard.start_ms >= 980
        assert len(ears.asked) == 2


async def test_a_whole_number_ends_its_answer_and_a_bare_one_waits() -> None:
    years = Pauses(2000, 2000, wanted=Wanted("count", ("年",)))
    async with calling(ScriptedEars(["十五年", "十五"]), ScriptedSpeaker()) as call:
        call.line.listen(5.0, None, years)
        await call.caller.say(tone(300))
        assert (await call.next(Utterance, within_s=1.5)).text == "十五年"
        await call.caller.say(tone(300))
        with pytest.raises(TimeoutError):
            await call.next(Utterance, within_s=1.5)
        assert (await call.next(Utterance)).text == "十五"


async def test_who_goes_on_while_the_words_are_recognised_is_one_utterance() -> None:
    ears = ScriptedEars(["是的", "是的不对我不清楚"])
    ears.delay_s = 0.6
    async with calling(ears, ScriptedSpeaker()) as call:
        call.line.listen(5.0, YES_NO)
        await call.caller.say(tone(300) + SILENCE * 20 + tone(600))
        heard = await call.next(Utterance)
        assert heard.text == "是的不对我不清楚"
        assert heard.end_ms - heard.start_ms >= 1280
        await call.caller.hangup()
        assert isinstance(await call.line.next(), Hangup)  # and nothing was heard twice


async def test_what_is_not_finished_waits_longer_than_the_hangover() -> None:
    ears = ScriptedEars(["一九五四年", "一九五四年三月八号"])
    async with calling(ears, ScriptedSpeaker()) as call:
        call.line.listen(5.0, None, Pauses(hangover_ms=300, thinking_ms=1500))
        await call.caller.say(tone(300) + SILENCE * 55 + tone(300))
        heard = await call.next(Utterance)
        assert heard.text == "一九五四年三月八号"
        assert heard.end_ms - heard.start_ms >= 1680


async def test_nothing_is_begun_while_the_caller_speaks_but_a_key_is_answered_at_once() -> None:
    async with calling(ScriptedEars(["嗯"] * 9), ScriptedSpeaker()) as call:
        call.line.listen(5.0, YES_NO)
        talking = asyncio.create_task(call.caller.say(tone(1500)))
        await asyncio.sleep(0.3)
        call.line.say([clause("A", "a 200")])
        assert not await call.caller.wait_speech(0.5)
        call.caller.key("1")
        await call.next(Key)
        assert (await call.next(Played)).start_ms < 1200
        await talking


async def test_recognition_that_fails_is_tried_again() -> None:
    ears = ScriptedEars([RecognitionFailed("full"), "是"])
    async with calling(ears, ScriptedSpeaker()) as call:
        await call.caller.say(tone(300))
        assert (await call.next(Utterance)).text == "是"


async def test_recognition_that_fails_twice_is_an_utterance_without_words() -> None:
    ears = ScriptedEars([RecognitionFailed("full")] * 2)
    async with calling(ears, ScriptedSpeaker()) as call:
        await call.caller.say(tone(300))
        heard = await call.next(Utterance)
        assert (heard.text, heard.confidence, heard.engine) == ("", 0.0, "failed")
        assert heard.pcm


async def test_the_caller_hangs_up() -> None:
    async with calling(ScriptedEars([]), ScriptedSpeaker()) as call:
        call.line.say([clause("A", "a 5000"), clause("B", "b 100", interruptible=False)])
        await call.caller.wait_speech(2.0)
        await call.caller.hangup()
        events = [await call.next(Played), await call.next(Played), await call.next(Hangup)]
        assert [e.reason for e in events] == ["hangup", "hangup", "caller"]
        await asyncio.wait_for(call.line.drain(), 1.0)
        call.line.say([clause("C", "c 100")])  # too late: no event may follow
        with_nothing_left = asyncio.create_task(call.line.next())
        await asyncio.sleep(0.05)
        assert not with_nothing_left.done()
        with_nothing_left.cancel()


async def test_an_answer_given_just_before_hanging_up_is_kept() -> None:
    ears = ScriptedEars(["清楚", "清楚"])
    ears.delay_s = 0.3
    async with calling(ears, ScriptedSpeaker()) as call:
        await call.caller.say(tone(400))
        await asyncio.sleep(0.06)
        await call.caller.hangup()
        assert (await call.next(Utterance)).text == "清楚"
        assert (await call.next(Hangup)).reason == "caller"


async def test_we_hang_up() -> None:
    async with calling(ScriptedEars([]), ScriptedSpeaker()) as call:
        call.line.say([clause("A", "a 100")])
        await call.line.drain()
        await call.line.close()
        await call.line.close()
        await asyncio.wait_for(call.caller.closed.wait(), 1.0)
        assert (await call.next(Played)).complete
        assert (await call.next(Hangup)).reason == "closed"


async def test_a_recording_that_fails_does_not_end_the_call() -> None:
    async with calling(ScriptedEars([]), ScriptedSpeaker()) as call:
        call.tap.write = None  # as a full disk would
        call.line.say([clause("A", "a 200")])
        assert (await call.next(Played)).complete


async def test_a_line_that_breaks_is_hung_up_for_the_exchange_to_take_over() -> None:
    class BrokenVad:
        def speaking(self, frame: bytes) -> bool:
            raise ZeroDivisionError

    async with calling(ScriptedEars([]), ScriptedSpeaker(), BrokenVad()) as call:
        assert (await call.next(Hangup)).reason == "error: ZeroDivisionError"
        await asyncio.wait_for(call.caller.closed.wait(), 1.0)


async def test_a_storm_of_keys_is_bounded() -> None:
    async with calling(ScriptedEars([]), ScriptedSpeaker()) as call:
        for _ in range(600):
            call.caller.key("5")
        async with asyncio.timeout(30):  # for all of them to arrive, before one is taken
            while call.line.dropped < 600 - 256:  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.01)
        await call.caller.hangup()
        events = [await call.next(Key) for _ in range(256)]
        assert {e.digit for e in events} == {"5"}
        assert (await call.next(Hangup)).reason == "caller"
        assert call.line.dropped == 600 - 256


async def test_the_gap_is_measured_at_the_wire() -> None:
    async with calling(ScriptedEars(["是"]), ScriptedSpeaker()) as call:
        call.line.listen(5.0, None, Pauses(hangover_ms=300))
        await call.caller.say(tone(400))
        await call.next(Utterance)
        call.line.say([clause("A", "a 100")])
        assert await call.caller.wait_quiet(200, 3.0)
        assert len(call.caller.gaps) == 1
        assert 0.18 <= call.caller.gaps[0] <= 0.6


async def test_bad_neighbours_do_not_disturb_a_call() -> None:
    """While one peer never reads, one floods and two hundred only open, frames keep their pace."""
    async with calling(ScriptedEars([]), ScriptedSpeaker()) as call:
        bad = [await asyncio.open_connection("127.0.0.1", call.port) for _ in range(202)]
        deaf, flood = bad[0][1], bad[1][1]
        bad[0][0]._transport.pause_reading()  # type: ignore[attr-defined]
        for writer in (deaf, flood):
            writer.write(codec.encode_hello(uuid4()))
        await asyncio.sleep(0.1)
        before = len(call.caller.arrivals)
        for _ in range(50):
            flood.write(codec.encode_audio(tone(20)) * 200)
            await asyncio.sleep(0.02)
        gaps = np.diff(call.caller.arrivals[before:])
        assert len(gaps) >= 40
        assert np.quantile(gaps, 0.9) < 0.045
        for _, writer in bad:
            writer.transport.abort()


class MemoryConnection:
    """Another transport than AudioSocket: a list in, a list out."""

    rate = 8000

    def __init__(self, media: list[Media]) -> None:
        self.closed_by = ""
        self.sent: list[bytes] = []
        self._media = media

    def take(self) -> list[Media]:
        taken, self._media = self._media, []
        return taken

    async def ended(self) -> None:
        self.closed_by = self.closed_by or "caller"

    def send_frame(self, pcm: bytes) -> None:
        self.sent.append(pcm)

    def close(self, reason: str = "closed") -> None:
        self.closed_by = self.closed_by or reason


async def test_any_transport_will_do_and_the_last_sound_before_a_hang_up_is_kept() -> None:
    pacer, tap, voice = Pacer(), MemoryTap(), tone(200)
    connection = MemoryConnection([Audio(voice), Digit("1")])
    line = PhoneLine(
        connection, ScriptedEars(["是"]), ScriptedSpeaker(), pacer, tap, vad=LevelVad()
    )
    assert connection.sent == [SILENCE]  # from the very first moment
    events = [await line.next() for _ in range(3)]
    assert [type(e) for e in events] == [Key, Utterance, Hangup]
    assert voice in bytes(tap.caller)
    await pacer.close()


async def test_a_to_d_are_no_keys_by_whatever_way_they_come() -> None:
    """No telephone has them: a machine's would be asked about, and cut us short."""
    pacer = Pacer()
    connection = MemoryConnection([Digit("A"), Digit("D"), Digit("1")])
    line = PhoneLine(connection, ScriptedEars([]), ScriptedSpeaker(), pacer, vad=LevelVad())
    for digit in ("B", "C", "", "é"):
        line.key_up(digit)
    events = [await line.next() for _ in range(2)]
    assert [getattr(event, "digit", "end") for event in events] == ["1", "end"]
    await pacer.close()


@pytest.mark.parametrize("level_db", [-58, -45])
async def test_a_network_that_stood_still_does_not_make_a_noisy_line_late_for_good(
    level_db: int,
) -> None:
    """A second late, an answer given in the last words of a question came after it."""
    rng, pacer, tap = np.random.default_rng(1), Pacer(), MemoryTap()
    connection, voice = MemoryConnection([]), tone(400)
    line = PhoneLine(
        connection, ScriptedEars(["是"]), ScriptedSpeaker(), pacer, tap, vad=LevelVad()
    )

    def tick(frames: int) -> None:
        """So many frames arrive in one tick."""
        noise = rng.normal(0, 32768 * 10 ** (level_db / 20), (frames, 160))
        connection._media += [Audio(frame.astype("<i2").tobytes()) for frame in noise]
        line.tick()
        line.hear()

    for frames in [1] * 250 + [0] * 49 + [50]:
        tick(frames)
    connection._media.append(Audio(voice))
    for frames in [1] * 250:
        tick(frames)
    assert voice in bytes(tap.caller), "nothing of what was said is left out"
    assert len(line._in.jitter) <= TARGET_FRAMES
    await line.close()
    await pacer.close()


async def test_sound_that_breaks_us_after_the_hang_up_does_not_hide_the_hang_up() -> None:
    class BrokenLater(LevelVad):
        frames = 0

        def speaking(self, frame: bytes) -> bool:
            self.frames += 1
            if self.frames > 1:
                raise ZeroDivisionError
            return False

    pacer = Pacer()
    connection = MemoryConnection([Audio(tone(200))])
    vad = BrokenLater()
    line = PhoneLine(connection, ScriptedEars([]), ScriptedSpeaker(), pacer, vad=vad)
    line.say([clause("A", "a 200")])
    assert isinstance(await asyncio.wait_for(line.next(), 1.0), Played)
    assert isinstance(await asyncio.wait_for(line.next(), 1.0), Hangup)
    await line.close()
    await pacer.close()


async def test_the_caller_waits_for_the_answer_to_its_key_not_for_the_end_of_the_old_sound() -> (
    None
):
    async with calling(ScriptedEars([]), ScriptedSpeaker()) as call:
        call.line.say([clause("A", "a 5000")])
        await call.caller.wait_speech(2.0)
        call.caller.key("1")
        assert not await call.caller.wait_quiet(100, 0.4)
        call.line.say([clause("B", "b 100")])
        assert await call.caller.wait_quiet(100, 2.0)
