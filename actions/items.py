"""Items: one term, one explicit answer, written down before the next is asked (rule 12, 13)."""

from __future__ import annotations

from actions.asking import ask_again, ask_next, hand_over, not_after_waiting
from actions.checking import ask_check, wanted
from actions.move import Heard, Step, action
from actions.state import State
from actions.unclear import unclear
from bot.dialogue.protocol import Record, Say

MISSELLING = "P13_MISSELLING"  # misleading alleged: the right to rescind is stated (rule 15)
MAX_CUT_OFF = 3  # from the next one on, an early answer is treated as none


@action("action_answer")
@not_after_waiting
def answer(state: State, heard: Heard) -> Step:
    """A severe problem goes to a human at once (rule 24), any other is noted and followed up."""
    if heard.answer == "unclear":
        return unclear(state, heard)
    item = state.items[0]
    if heard.answer == item.expect and wanted(state, item):
        return ask_check(state, heard)
    record = Record(item.id, heard.answer, heard.reason)
    settled = state.answered(heard.answer)
    if heard.answer == item.expect:
        return ask_next(settled).after(record, Say("A_ok"))
    if item.severe:
        words = "H_misled" if item.code == MISSELLING else "H_severe"
        return hand_over(settled, "severe", words).after(record)
    return ask_next(settled).after(record, Say("A_noted"))


@action("action_cut_off")
def cut_off(state: State, heard: Heard) -> Step:
    """An answer to a term that was not heard to its end is no answer, but not a misunderstanding
    either."""
    tried = state.tried(cut_off=1)
    if tried.tries.cut_off > MAX_CUT_OFF:
        return unclear(state, heard)
    return ask_again(tried).after(Say("R_full"))
