"""Opening: introduce ourselves, ask whether it is convenient."""

from __future__ import annotations

from actions.asking import ask, not_after_waiting, open_call
from actions.move import Heard, Step, action
from actions.state import PERSON, Question, State


@action("action_open")
def introduce(state: State, _: Heard) -> Step:
    return open_call(state)


@action("action_ask_self")
@not_after_waiting
def ask_self(state: State, _: Heard) -> Step:
    return ask(state, Question(PERSON, "I1"))
