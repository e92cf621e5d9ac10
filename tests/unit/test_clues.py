"""What is known of a sound reaches the judge whole, whatever it is and whatever carries it."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from bot.conversation import hearing
from bot.dialogue.protocol import Turn
from bot.dialogue.wire import BadLine, turn_from_json
from nlu.components.utterance import Heard
from voice.clues import MAX_CLUE, Clues, clues_in
from voice.frames import Utterance

SCORES = {"yes_no": 2.5, "snr_db": 40.0}
KNOWN = {clue.name: f"the {clue.name}" for clue in fields(Clues)} | {"scores": SCORES}


def test_every_clue_reaches_the_judge_and_the_record() -> None:
    said = Utterance("是", "voice", 0.9, 0, 900, **KNOWN)
    turn = Turn({}, said.text, said.via, said.confidence, **said.clues())
    sent = turn_from_json(json.loads(json.dumps({"state": {}, **turn.clues()})))
    assert Heard("是", **clues_in(sent.clues())).clues() == KNOWN
    assert hearing.spoken(said, None).body.items() >= KNOWN.items()


@pytest.mark.parametrize("name", KNOWN)
def test_a_clue_of_the_wrong_type_is_no_turn(name: str) -> None:
    with pytest.raises(BadLine):
        turn_from_json({"state": {}, name: 5})


def test_a_clue_that_nobody_gave_is_empty_and_none_is_endless() -> None:
    assert clues_in({"scores": None, "nearest": None}) == Clues().clues()
    assert clues_in({"sounds": "a " * MAX_CLUE})["sounds"] == ("a " * MAX_CLUE)[:MAX_CLUE]
