"""A human: wished for, offered, needed, and giving the conversation back."""

from __future__ import annotations

from dataclasses import replace

from actions.asking import ask, ask_again, ask_next, hand_over, not_after_waiting, open_call
from actions.move import Heard, Step, action
from actions.state import OFFER, PERSON, WHEN, Question, State, Tries
from bot.dialogue.protocol import Flag, Say


@action("action_human")
def human(state: State, heard: Heard) -> Step:
    return hand_over(state, "key" if heard.via == "key" else "request")


@action("action_complain")
def complain(state: State, _: Heard) -> Step:
    return hand_over(state, "complaint", "H_complaint")


@action("action_surrender")
def surrender(state: State, _: Heard) -> Step:
    """Never argued against (rule 15)."""
    return hand_over(state, "surrender", "H_complaint")


@action("action_coached")
def coached(state: State, _: Heard) -> Step:
    """Somebody told them what to answer, or a seller answers in their place: severe (rule 10)."""
    words = "H_coached" if state.verified else "H_identity"
    return hand_over(state, "coached", words).after(Flag("P18_INTERFERENCE"))


@action("action_accept_human")
@not_after_waiting
def accept(state: State, heard: Heard) -> Step:
    """Yes to an offered human, or to "shall a human explain?"."""
    if heard.answer != "yes":
        return ask_again(state)
    return hand_over(state, state.offered_for if state.phase == OFFER else "question")


@action("action_refuse_human")
@not_after_waiting
def refuse(state: State, _: Heard) -> Step:
    """Back to the question, or on to the next; how often a human was offered is not forgotten."""
    if state.back is None:
        return open_call(state)
    kept = Tries(offers=state.tries.offers, wrong=state.tries.wrong)
    back = replace(state.at(state.back, kept), back=None)
    return Step((state.back.ask(),), back)


@action("action_resume")
def resume(state: State, _: Heard) -> Step:
    """A human gives the conversation back: on at the first open item, identity first."""
    state = replace(state, for_human=False)
    if state.verified:
        return ask_next(state)
    if state.asked is None:
        return open_call(state)
    return ask(replace(state, identity_tries=0), Question(PERSON, "I1"))


@action("action_nobody_free")
def nobody_free(state: State, _: Heard) -> Step:
    """No human took the call in time: apologise and ask when one may call (rule 19)."""
    asked = replace(state, for_human=True, times_asked=1)
    return ask(asked, Question(WHEN, "K_when", "plain")).after(Say("H_later"))


@action("action_stay_silent")
def stay_silent(state: State, _: Heard) -> Step:
    """After a transfer the bot never speaks unless the human gives the conversation back."""
    return Step((), state)
