"""Ends before the end: the wrong person, no time now, goodbye."""

from __future__ import annotations

from dataclasses import replace

from actions.asking import ask, close, finish, hand_over, leave, not_after_waiting
from actions.move import Heard, Step, action
from actions.state import PERSON, WHEN, Question, State
from bot.dialogue.protocol import Flag, Reschedule, Say

MAX_TIMES_ASKED = 2


@action("action_wrong_person")
def wrong_person(state: State, _: Heard) -> Step:
    """Nothing is disclosed. Who has proven to be the policyholder is asked once more who it is,
    since "my late wife" or "he is not in" is easily taken for it; a second time it is a human's to
    find out. Whoever then is somebody else was "proven" before, which is worse than a wrong
    number."""
    if state.verified and state.doubted:
        return hand_over(state, "identity", "H_identity")
    if state.verified:
        return ask(replace(state, verified=False, doubted=True), Question(PERSON, "I1"))
    bye = close(state, "not_me", Say("N_bye"))
    return bye.after(Flag("P01_NOT_POLICYHOLDER")) if state.doubted else bye


@action("action_ask_when")
def ask_when(state: State, _: Heard) -> Step:
    return finish(state) if state.complete else ask_time(state, "K_when")


@action("action_reschedule")
def reschedule(state: State, _: Heard) -> Step:
    """The application reads the time out of what was said; its event is the next turn."""
    return Step((Reschedule(),), replace(state, waiting=False))


@action("action_booked")
def booked(state: State, _: Heard) -> Step:
    if state.for_human:
        return hand_over(state, "booked", "K_booked")
    return close(state, "busy", Say("K_booked"))


@action("action_time_unheard")
def time_unheard(state: State, _: Heard) -> Step:
    return ask_time(state, "K_retry")


def ask_time(state: State, clause: str) -> Step:
    if state.times_asked >= MAX_TIMES_ASKED:
        return leave(state, "busy")
    asked = replace(state, times_asked=state.times_asked + 1)
    return ask(asked, Question(WHEN, clause))


@action("action_goodbye")
def goodbye(state: State, _: Heard) -> Step:
    return leave(state, "goodbye")


@action("action_finish")
@not_after_waiting
def no_questions(state: State, _: Heard) -> Step:
    return finish(state)
