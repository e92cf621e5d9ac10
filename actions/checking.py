"""Comprehension: a yes to some items counts only with the right answer to one more question.

The contract's answer is known to the application alone; here it is decided what follows from right,
wrong and unclear. Wrong once: the contract's text is explained and the question asked again. Wrong
twice: the item is no yes, a problem case, and the callback goes on.
"""

from __future__ import annotations

from dataclasses import replace

from actions.asking import ask, ask_again, ask_next, not_after_waiting
from actions.move import Heard, Step, action
from actions.state import CHECK, Question, State
from actions.unclear import unclear
from bot.dialogue.protocol import Check, Explain, Form, Hold, Item, Record, Say

MAX_WRONG = 2


def wanted(state: State, item: Item) -> bool:
    """Whether a yes to this item is to be checked: always, or because it came hesitantly."""
    return bool(item.check) and (item.must_check or state.hesitant)


def ask_check(state: State, heard: Heard) -> Step:
    """Keep the yes and ask the item's comprehension question."""
    item = state.items[0]
    form: Form = "plain" if state.elder else "full"
    return ask(state, Question(CHECK, item.check, form)).after(Hold(item.id, heard.reason))


@action("action_check")
@not_after_waiting
def check(state: State, _: Heard) -> Step:
    """The application compares what was said with the contract; its event is the next turn."""
    return Step((Check(),), replace(state, waiting=False))


@action("action_check_right")
def right(state: State, _: Heard) -> Step:
    """The yes that was held is final now."""
    record = Record(state.items[0].id, "yes")
    return ask_next(state.answered("yes")).after(record, Say("A_ok"))


@action("action_check_wrong")
def wrong(state: State, _: Heard) -> Step:
    """Also for who says that they do not know."""
    tried = state.tried(wrong=1)
    if tried.tries.wrong < MAX_WRONG:
        explained = Explain(state.items[0].check)
        return ask_again(tried).after(Say("Q_again"), explained)
    record = Record(state.items[0].id, "unclear", "说清楚，但核对题答错两次")
    return ask_next(state.answered("unclear")).after(record, Say("A_noted"))


@action("action_check_keyed")
def keyed(state: State, heard: Heard) -> Step:
    """Who answers by key hears at once what the keys stand for; a key that is none of them is no
    answer."""
    if state.asked is None or state.asked.form == "keys":
        return unclear(state, heard)
    return ask_again(state.tried(unclear=1).in_form("keys"))
