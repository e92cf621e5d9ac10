"""Identity before any policy fact: three tries, then a human; nothing is disclosed on failure."""

from __future__ import annotations

from dataclasses import replace

from actions.asking import ask, ask_next, hand_over, not_after_waiting
from actions.move import Heard, Step, action
from actions.state import PROOF, Question, State
from bot.dialogue.protocol import Say, Verify

MAX_TRIES = 3


@action("action_ask_secret")
@not_after_waiting
def ask_secret(state: State, _: Heard) -> Step:
    return ask(state, Question(PROOF, "I2"))


@action("action_verify")
def verify(state: State, _: Heard) -> Step:
    """The application compares what was said with the policy; its event is the next turn."""
    return Step((Verify(),), replace(state, waiting=False))


@action("action_identity_ok")
def identity_ok(state: State, _: Heard) -> Step:
    known = replace(state, verified=True)
    if known.complete or known.doubted:  # everything is answered, or was explained before
        return ask_next(known).after(Say("I_ok"))
    return ask_next(known).after(Say("I_ok"), Say("T_items"))


@action("action_identity_failed")
def identity_failed(state: State, _: Heard) -> Step:
    tried = replace(state, identity_tries=state.identity_tries + 1)
    if tried.identity_tries >= MAX_TRIES:
        return hand_over(tried, "identity", "H_identity").after(Say("I_fail"))
    return ask(tried, Question(PROOF, "I2_retry"))
