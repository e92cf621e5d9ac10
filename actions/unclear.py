"""What is not an answer: ask in plainer words, then with keys, then offer a human (rule 13)."""

from __future__ import annotations

from dataclasses import replace

from actions.asking import ask_again, hand_over, not_after_waiting, offer
from actions.asking import next_question as following
from actions.move import Heard, Step, action
from actions.state import CHECK, CLOSING, HANDOFF, OFFER, State, Tries
from bot.dialogue.protocol import Form, Record, Say


@action("action_unclear")
@not_after_waiting
def unclear(state: State, heard: Heard) -> Step:
    """Also Rasa's fallback: whatever no rule foresees is not an answer."""
    if state.phase in {HANDOFF, CLOSING}:
        return Step((), state)
    if state.asked is None:
        return ask_again(state)
    tried = state.tried(unclear=1)
    match tried.tries.unclear:
        case 1:
            form: Form = "keys" if state.phase == OFFER else "plain"
            return ask_again(tried.in_form(form)).after(Say("R_unclear"))
        case 2 if state.phase == OFFER:
            # Not a yes to the offer: a human is where plainer words and keys end.
            return hand_over(state, "unclear")
        case 2:
            # What the keys stand for at a comprehension question, that question says itself.
            lead = "R_unclear" if state.phase == CHECK else "R_keys"
            return ask_again(tried.in_form("keys")).after(Say(lead))
        case _ if state.on_item:
            return record_unclear(state, heard)
        case _:
            return offer(state, "unclear")


def record_unclear(state: State, heard: Heard) -> Step:
    """UNCLEAR is the answer now; a refused human leads to the next item."""
    record = Record(state.items[0].id, "unclear", heard.reason)
    settled = replace(state.answered("unclear"), tries=Tries())
    offered = offer(settled, "unclear", following(settled))
    return offered.after(record, Say("R_unclear_done"))
