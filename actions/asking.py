"""Steps that several phases share: ask the next question, ask again, offer a human, give up.

Every loop ends here. At one question at most 3 answers are not understood, 3 prompts meet silence,
3 answers come too early and MAX_STRAYS turns lead nowhere before a human is offered; after
MAX_OFFERS refused offers the question is given up and the conversation goes on, or ends politely.
"""

from __future__ import annotations

from dataclasses import replace
from functools import wraps

from actions.move import Heard, Move, Step
from actions.state import (
    CLOSING,
    HANDOFF,
    ITEMS,
    OFFER,
    OPENING,
    PERSON,
    QUESTIONS,
    WHEN,
    Question,
    State,
)
from bot.dialogue.protocol import Act, Close, Handoff, Record, Say

MAX_STRAYS = 8
MAX_OFFERS = 2


def ask(state: State, question: Question) -> Step:
    """Ask something new."""
    return Step((question.ask(),), state.at(question))


def next_question(state: State) -> Question:
    """The first open item, or whether there are questions. Elders hear the plainer wording."""
    if not state.items:
        return Question(QUESTIONS, "Z1")
    return Question(ITEMS, state.items[0].id, "plain" if state.elder else "full")


def ask_next(state: State) -> Step:
    return ask(state, next_question(state))


def open_call(state: State) -> Step:
    """Who calls, that it is recorded, that the voice is AI, how to reach a human (rule 16); a call
    that goes on where an earlier one broke off proves identity again."""
    told: tuple[Act, ...] = (Say("O1"), Say("O2"), Say("O3_elder" if state.elder else "O3"))
    if state.resumed:
        return ask(state, Question(PERSON, "I1")).after(*told, Say("O_resume"))
    return ask(state, Question(OPENING, "O4")).after(*told)


def ask_again(state: State) -> Step:
    """The question that waits for its answer, once more; without one, the opening."""
    if state.asked is None:
        return open_call(state)
    return Step((state.asked.ask(),), state.at(state.asked, state.tries))


def stray(state: State) -> Step | None:
    """Count a turn that led nowhere. A step only when there were too many of them."""
    if state.asked is None or state.tries.strays < MAX_STRAYS:
        return None
    return offer(state, "unclear")


def offer(state: State, reason: str, back: Question | None = None) -> Step:
    """Offer a human; `back` is where to go on when that is refused, else the present question."""
    if state.phase == OFFER:
        return hand_over(state, reason)  # offered already, and no answer to be had
    if state.tries.offers >= MAX_OFFERS:
        return give_up(state)
    question = Question(OFFER, "H_offer")
    back = back or state.asked
    offered = replace(state.tried(offers=1), back=back, offered_for=reason)
    tries = replace(offered.tries, unclear=0, silent=0, strays=0, cut_off=0)
    return Step((question.ask(),), offered.at(question, tries))


def give_up(state: State) -> Step:
    """No answer to this question, and no human wanted."""
    if state.on_item:
        return settle_unclear(state, "no answer after offers of a human")
    return leave(state, "busy" if state.phase == WHEN else "goodbye")


def settle_unclear(state: State, reason: str) -> Step:
    """Write the item down as unclear and go on."""
    record = Record(state.items[0].id, "unclear", reason)
    return ask_next(state.answered("unclear")).after(record, Say("R_unclear_done"))


def hand_over(state: State, reason: str, words: str = "H_now") -> Step:
    """Announce and give the conversation to a human."""
    owned = replace(state, phase=HANDOFF, waiting=False)
    return Step((Say(words), Handoff(reason)), owned)


def close(state: State, outcome: str, *last_words: Act) -> Step:
    return Step((*last_words, Close(outcome)), replace(state, phase=CLOSING, waiting=False))


def finish(state: State) -> Step:
    """Every item has its answer: sum up, say what happens next, take leave."""
    summary = "Z_problem" if state.problems else "Z_clean"
    return close(state, "done", Say(summary), Say("Z2"))


def leave(state: State, outcome: str) -> Step:
    """End before the end; but with every item answered, nothing is unfinished. Who waits for a
    human's call stays in the humans' list."""
    if state.for_human:
        return hand_over(state, "nobody_free", "G_bye")
    return finish(state) if state.complete else close(state, outcome, Say("G_bye"))


def not_after_waiting(move: Move) -> Move:
    """For moves that take an answer: after "wait a moment", 好了 means "I am back", not yes. The
    question is asked again; a key or a button counts, it cannot mean anything else."""

    @wraps(move)
    def guarded(state: State, heard: Heard) -> Step:
        if state.waiting and not heard.deliberate:
            return ask_again(state)
        return move(state, heard)

    return guarded
