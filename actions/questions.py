"""After the last item a question in their own words is a human's."""

from __future__ import annotations

from actions.asking import not_after_waiting, offer
from actions.move import Heard, Step, action
from actions.state import State
from bot.dialogue.protocol import Say


@action("action_question")
@not_after_waiting
def question(state: State, _: Heard) -> Step:
    """Answers come only from the contract's text, anything else is a human's (rule 14)."""
    return offer(state, "question").after(Say("E_none"))
