"""Digressions, valid at every point; each comes back to the question that waits."""

from __future__ import annotations

from dataclasses import replace

from actions.asking import ask_again, leave, offer, stray
from actions.move import Heard, Step, action
from actions.state import OFFER, QUESTIONS, WHEN, State
from bot.dialogue.protocol import Act, Explain, Form, Pace, Say, Wait

WAIT_S = 30.0  # patience after 等一下


def digress(state: State, *acts: Act) -> Step:
    """Do `acts`, then ask the waiting question again; too many digressions bring a human."""
    too_many = stray(state)
    return too_many or ask_again(state.tried(strays=1)).after(*acts)


@action("action_repeat")
def repeat(state: State, _: Heard) -> Step:
    return digress(state)


@action("action_slower")
def slower(state: State, _: Heard) -> Step:
    return digress(state, Pace("slower"), Say("P_slower"))


@action("action_louder")
def louder(state: State, _: Heard) -> Step:
    return digress(state, Pace("louder"), Say("P_louder"))


@action("action_explain")
def explain(state: State, _: Heard) -> Step:
    """Only the reviewed explanation of this clause; without one, `no_explanation` comes back."""
    if state.asked is None:
        return ask_again(state)
    return digress(state, Explain(state.asked.clause))


@action("action_no_explanation")
def no_explanation(state: State, _: Heard) -> Step:
    """Not in the contract's text: a human's (rule 14)."""
    return offer(state, "question").after(Say("E_none"))


@action("action_wait")
def wait(state: State, _: Heard) -> Step:
    if state.asked is None:
        return ask_again(state)
    too_many = stray(state)
    if too_many:
        return too_many
    return Step((Say("W_ok"), Wait(WAIT_S)), replace(state.tried(strays=1), waiting=True))


@action("action_silence")
def silence(state: State, _: Heard) -> Step:
    """Prompt twice, offer a human, then take leave: nobody seems to be there. Who was offered a
    human or asked for another time is prompted once; after the last item silence is no question."""
    tried = replace(state.tried(silent=1), waiting=False)
    count = tried.tries.silent
    if state.asked is None:
        return ask_again(state)
    unanswered_offer = state.phase == OFFER and state.offered_for == "silence"
    if unanswered_offer or (count > 1 and state.phase in {OFFER, QUESTIONS, WHEN}):
        return leave(state, "busy" if state.phase == WHEN else "goodbye")
    if count == 1:
        return ask_again(tried).after(Say("S_1"))
    if count == 2:
        form: Form = "keys" if state.on_item else "plain"
        return ask_again(tried.in_form(form)).after(Say("S_2"))
    return offer(tried, "silence")
