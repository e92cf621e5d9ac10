"""The lines between application and worker."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue import protocol, wire
from bot.dialogue.protocol import MAX_LINE, Item, Meaning, Moved, Start, Turn

ACTS = (
    protocol.Say("O1"),
    protocol.Ask("B1", "keys"),
    protocol.Record("B1", "unclear", "只有语气词"),
    protocol.Hold("B8", "句中每个词都是肯定"),
    protocol.Check(),
    protocol.Verify(),
    protocol.Pace("slower"),
    protocol.Explain("B9"),
    protocol.Wait(30.0),
    protocol.Flag("P18_INTERFERENCE"),
    protocol.Handoff("severe"),
    protocol.Reschedule(),
    protocol.Close("done"),
)


def test_every_act_survives_the_wire() -> None:
    assert {act.kind for act in ACTS} == protocol.ACTS.keys()
    moved = Moved(ACTS, {"phase": "items"}, Meaning("affirm", 0.9, "yes", None, "字面"), 7.5, "m1")
    line = wire.encode({"moved": wire.moved_to_json(moved)})
    assert wire.moved_from_json(wire.decode(line)["moved"]) == moved


def test_a_start_survives_the_wire() -> None:
    start = Start(
        (Item("B1", severe=True), Item("B8", check="B8q", must_check=True)), True, ("B1",), 1
    )
    assert wire.start_from_json(wire.decode(wire.encode(asdict(start)))) == start


@given(st.text(max_size=500), st.sampled_from(["voice", "key"]), st.floats(0, 1))
def test_a_turn_survives_the_wire(text: str, via: str, confidence: float) -> None:
    turn = Turn({"phase": "items"}, text, via, confidence, scores={"yes_no": 2.5})
    assert wire.turn_from_json(wire.decode(wire.encode(asdict(turn)))) == turn


def test_half_an_emoji_is_sent_as_a_question_mark() -> None:
    assert wire.decode(wire.encode({"text": "好\ud83d"})) == {"text": "好?"}


@pytest.mark.parametrize("line", [b"", b"\n", b"nonsense\n", b"[1]\n", b'"a"\n', b"\xff\n", b"{\n"])
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(wire.BadLine):
        wire.decode(line)


def test_lines_are_bounded_both_ways() -> None:
    with pytest.raises(wire.BadLine):
        wire.encode({"text": "长" * MAX_LINE})
    with pytest.raises(wire.BadLine):
        wire.decode(b" " * (MAX_LINE + 1))
    with pytest.raises(wire.BadLine):
        wire.decode(b"[" * (MAX_LINE - 1))


@pytest.mark.parametrize(
    "turn",
    [
        {},
        {"state": []},
        {"state": {}, "text": 5},
        {"state": {}, "event": 5},
        {"state": {}, "scores": "high"},
        {"state": {}, "nearest": 3},
        {"state": {}, "surprise": 1},
    ],
)
def test_what_is_no_turn_is_refused(turn: dict[str, object]) -> None:
    with pytest.raises(wire.BadLine):
        wire.turn_from_json(turn)


@pytest.mark.parametrize(
    "act", [{"act": "dance"}, {"act": "say"}, {"act": "say", "clause": "O1", "loud": 1}, {}, None]
)
def test_unknown_acts_fail_closed(act: object) -> None:
    with pytest.raises(wire.BadLine):
        wire.moved_from_json({"acts": [act], "state": {}, "meaning": None, "ms": 1})


def test_what_an_item_asks_for_survives_the_line() -> None:
    start = Start((Item("NT1", asks=("copied", "signed")),))
    again = wire.start_from_json(wire.decode(wire.encode(asdict(start))))
    assert again == start
    assert hash(again.items[0])


def test_an_item_that_expects_no_answer_is_refused() -> None:
    data = asdict(Start((Item("B1"),)))
    data["items"][0]["expect"] = "maybe"
    with pytest.raises(wire.BadLine):
        wire.start_from_json(data)
