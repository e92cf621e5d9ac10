"""The playback queue, tick by tick."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.frames import FRAME_BYTES, FRAME_MS, SILENCE, Played
from voice.line import Speech
from voice.playback import FILL_AFTER_MS, GIVEN_UP_MS, Playback

LOUD = np.full(160, 9000, dtype="<i2").tobytes()


def speech(id: str, *, interruptible: bool = True, pause_ms: int = 0) -> Speech:
    return Speech(id, "", interruptible=interruptible, pause_ms=pause_ms)


class Desk:
    """A playback and what it reported."""

    def __init__(self) -> None:
        self.played: list[Played] = []
        self.playback = Playback(self.played.append)

    def say(self, *speeches: Speech, frames: int = 3) -> None:
        """Queue clauses of so many loud frames each."""
        self.playback.add(speeches)
        for clause in self.playback.unrendered():
            self.playback.render(clause, LOUD * frames, "v")

    def ticks(self, n: int) -> list[bytes]:
        return [self.playback.next_frame() for _ in range(n)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_silence_from_the_first_tick(desk: Desk) -> None:
    assert desk.ticks(3) == [SILENCE] * 3
    assert desk.playback.drained


def test_a_clause_is_played_whole_and_its_place_is_known(desk: Desk) -> None:
    desk.ticks(5)
    desk.say(speech("A"))
    assert desk.ticks(4) == [LOUD] * 3 + [SILENCE]
    assert desk.played == [Played("A", True, 100, 160, "v")]


def test_the_pause_lies_between_clauses_and_belongs_to_draining(desk: Desk) -> None:
    desk.say(speech("A", pause_ms=50), speech("B", pause_ms=20), frames=1)
    assert desk.ticks(6) == [LOUD, SILENCE, SILENCE, SILENCE, LOUD, SILENCE]
    assert desk.playback.drained
    assert [p.start_ms for p in desk.played] == [0, 80]


def test_a_clause_without_sound_yet_is_waited_for_in_order(desk: Desk) -> None:
    desk.playback.add([speech("A"), speech("B")])
    first, second = desk.playback.unrendered()
    desk.playback.render(second, LOUD, "v")
    assert desk.ticks(2) == [SILENCE] * 2
    desk.playback.render(first, LOUD, "v")
    assert desk.ticks(2) == [LOUD] * 2
    assert [p.id for p in desk.played] == ["A", "B"]


def test_a_failed_clause_is_reported_in_its_turn(desk: Desk) -> None:
    desk.say(speech("A"))
    desk.playback.add([speech("B")])
    (clause,) = desk.playback.unrendered()
    desk.playback.fail(clause, "why")
    assert desk.played == []
    desk.ticks(4)
    assert desk.played[1] == Played("B", False, 80, 80, "", "failed: why")
    assert desk.playback.drained


def test_a_cut_fades_within_ten_milliseconds(desk: Desk) -> None:
    desk.say(speech("A"), frames=50)
    desk.ticks(10)
    assert desk.playback.interrupt()
    assert desk.played == [Played("A", False, 0, 220, "v", "barge-in")]
    tail, after = desk.ticks(2)
    samples = np.frombuffer(tail, dtype="<i2")
    assert samples[0] == 9000
    assert np.abs(np.diff(samples.astype(int))).max() < 200  # no click
    assert not samples[80:].any()
    assert after == SILENCE
    assert desk.playback.drained


def test_an_interruption_drops_its_own_batch_but_no_disclosure(desk: Desk) -> None:
    desk.say(speech("A"), speech("B"), speech("C", interruptible=False), speech("D"), frames=2)
    desk.say(speech("E"), frames=2)
    desk.ticks(1)
    assert desk.playback.interrupt()
    assert [(p.id, p.complete) for p in desk.played] == [("A", False), ("B", False), ("D", False)]
    desk.ticks(6)
    assert [(p.id, p.complete) for p in desk.played[3:]] == [("C", True), ("E", True)]


def test_a_disclosure_that_sounds_goes_on_but_what_follows_is_dropped(desk: Desk) -> None:
    desk.say(speech("O", interruptible=False), speech("Q"))
    desk.ticks(1)
    assert desk.playback.interrupt()
    assert [p.id for p in desk.played] == ["Q"]
    assert desk.ticks(2) == [LOUD, LOUD]
    assert desk.played[-1] == Played("O", True, 0, 60, "v")


def test_what_has_not_begun_cannot_be_interrupted(desk: Desk) -> None:
    desk.say(speech("A"))
    assert not desk.playback.interrupt()
    desk.ticks(3)
    assert desk.played[0].complete


def test_an_interruption_in_the_pause_drops_the_rest(desk: Desk) -> None:
    desk.say(speech("A", pause_ms=100), speech("B"), frames=1)
    desk.ticks(2)
    assert desk.playback.interrupt()
    assert [(p.id, p.complete) for p in desk.played] == [("A", True), ("B", False)]
    assert desk.playback.drained


def test_stop_cuts_everything(desk: Desk) -> None:
    desk.say(speech("A", interruptible=False), speech("B"))
    desk.ticks(1)
    desk.playback.stop()
    assert [(p.id, p.complete, p.reason) for p in desk.played] == [
        ("A", False, "stopped"),
        ("B", False, "stopped"),
    ]


def test_skipped_ticks_move_the_time_but_not_the_sound(desk: Desk) -> None:
    desk.say(speech("A"))
    desk.ticks(1)
    for _ in range(10):
        desk.playback.skip()
    assert desk.ticks(2) == [LOUD, LOUD]
    assert desk.played == [Played("A", True, 0, 260, "v")]


def test_what_sounded_when(desk: Desk) -> None:
    desk.say(speech("A", pause_ms=20), speech("B"))
    desk.ticks(5)
    over = desk.playback.over
    assert [over(ms) for ms in (0, 59, 60, 79, 80, 99)] == ["A", "A", None, None, "B", "B"]
    sounding = desk.playback.sounding
    assert sounding is not None
    assert sounding.id == "B"


def test_sound_for_a_dropped_clause_is_ignored(desk: Desk) -> None:
    desk.playback.add([speech("A")])
    (clause,) = desk.playback.unrendered()
    desk.playback.stop()
    desk.playback.render(clause, LOUD, "v")
    assert desk.ticks(2) == [SILENCE] * 2
    assert len(desk.played) == 1


steps = st.lists(
    st.sampled_from(["say", "say2", "disclose", "tick", "tick5", "interrupt", "stop", "skip"]),
    max_size=60,
)


@given(steps, st.integers(1, 700))
def test_every_clause_is_reported_once_and_every_frame_is_whole(
    steps: list[str], samples: int
) -> None:
    desk, said = Desk(), 0
    for step in steps:
        match step:
            case "say" | "say2" | "disclose":
                count = 2 if step == "say2" else 1
                ids = [str(said + n) for n in range(count)]
                said += count
                desk.playback.add(
                    [speech(i, interruptible=step != "disclose", pause_ms=30) for i in ids]
                )
                for clause in desk.playback.unrendered():
                    desk.playback.render(clause, b"\x01\x02" * samples, "v")
            case "tick" | "tick5":
                frames = desk.ticks(5 if step == "tick5" else 1)
                assert {len(f) for f in frames} == {FRAME_BYTES}
            case "interrupt":
                desk.playback.interrupt()
            case "stop":
                desk.playback.stop()
            case "skip":
                desk.playback.skip()
    desk.playback.stop()
    desk.ticks(1)
    assert desk.playback.drained
    assert sorted(int(p.id) for p in desk.played) == list(range(said))
    assert all(p.start_ms <= p.end_ms for p in desk.played)


def test_what_is_held_back_begins_later_and_what_may_not_be_interrupted_goes_on(desk: Desk) -> None:
    desk.say(speech("A"), speech("B", interruptible=False), frames=2)
    assert [desk.playback.next_frame(hold=True) for _ in range(3)] == [SILENCE] * 3
    desk.playback.next_frame()
    assert SILENCE not in [desk.playback.next_frame(hold=True) for _ in range(3)]
    desk.say(speech("C"), frames=1)
    assert desk.playback.next_frame(hold=True) == SILENCE
    assert desk.playback.next_frame() == LOUD
    assert [p.id for p in desk.played if p.complete] == ["A", "B", "C"]


def test_nothing_that_may_be_interrupted_begins_over_the_caller(desk: Desk) -> None:
    desk.say(speech("A"), speech("B"), frames=1)
    assert desk.ticks(1) == [LOUD]
    assert [desk.playback.next_frame(hold=True) for _ in range(9)] == [SILENCE] * 9
    assert desk.ticks(1) == [LOUD]


def test_a_wait_for_a_sentence_is_bridged_once_and_the_sentence_follows(desk: Desk) -> None:
    desk.playback.fill_with(speech(""), LOUD * 2, "v")
    late = speech("A")
    desk.playback.add([late])
    wait = FILL_AFTER_MS // FRAME_MS
    assert desk.ticks(wait) == [SILENCE] * (wait - 1) + [LOUD]
    assert desk.ticks(1 + 10 * wait).count(LOUD) == 1
    (clause,) = desk.playback.unrendered()
    desk.playback.render(clause, LOUD, "v")
    desk.ticks(2)
    assert [(p.id, p.complete) for p in desk.played] == [("filler.1", True), ("A", True)]
    desk.playback.add([speech("B")])
    desk.ticks(2 * wait)
    assert desk.played[-1].id == "filler.2"


def test_nobody_is_told_to_wait_for_nothing_and_who_speaks_is_not_interrupted(desk: Desk) -> None:
    desk.playback.fill_with(speech(""), LOUD, "v")
    assert desk.ticks(200) == [SILENCE] * 200
    desk.playback.add([speech("A")])
    assert [desk.playback.next_frame(hold=True) for _ in range(200)] == [SILENCE] * 200
    desk.playback.stop()
    assert desk.ticks(200) == [SILENCE] * 200


def test_speech_over_the_stock_phrase_drops_the_sentence_it_announces(desk: Desk) -> None:
    desk.playback.fill_with(speech(""), LOUD * 50, "v")
    desk.playback.add([speech("A")])
    desk.ticks(FILL_AFTER_MS // FRAME_MS + 5)
    assert desk.playback.interrupt()
    assert [(p.id, p.reason) for p in desk.played] == [
        ("filler.1", "barge-in"),
        ("A", "barge-in"),
    ]


@pytest.mark.parametrize("filler", [False, True])
def test_a_sentence_that_never_comes_is_given_up_and_those_behind_it_are_played(
    desk: Desk, filler: bool
) -> None:
    if filler:
        desk.playback.fill_with(speech(""), LOUD * 50, "v")
    desk.playback.add([speech("A"), speech("B")])
    late, ready = desk.playback.unrendered()
    desk.playback.render(ready, LOUD, "v")
    desk.ticks(GIVEN_UP_MS // FRAME_MS + 100)
    played = {p.id: p for p in desk.played}
    assert played["A"].reason == "failed: nothing came in time"
    assert played["B"].complete
    desk.playback.render(late, LOUD, "v")
    assert desk.playback.drained


def test_whoever_speaks_is_not_waiting(desk: Desk) -> None:
    desk.playback.add([speech("A")])
    for _ in range(2 * GIVEN_UP_MS // FRAME_MS):
        desk.playback.next_frame(hold=True)
    assert desk.played == []
