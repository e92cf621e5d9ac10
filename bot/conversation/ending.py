"""How far a callback has come, and how it, or the bot's part of it, ends. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bot.dialogue.protocol import State
from bot.evidence.ledger import Draft
from bot.evidence.states import State as CallbackState

Ending = Literal["closed", "handed_over", "hung_up", "lost"]


@dataclass(frozen=True)
class Result:
    """How a conversation, or the bot's part of it, ended."""

    ending: Ending
    state: State  # the dialogue's, to resume from
    reason: str = ""  # of a hand-over or a close


@dataclass(frozen=True)
class Progress:
    """How far a callback has come: items answered, and whether each was as expected."""

    total: int
    as_expected: Mapping[str, bool]

    @property
    def problems(self) -> int:
        return sum(not ok for ok in self.as_expected.values())

    @property
    def state(self) -> CallbackState:
        """The callback's state if it ended now (rules: 完成, 问题件)."""
        if len(self.as_expected) < self.total:
            return CallbackState.INCOMPLETE
        return CallbackState.COMPLETED_PROBLEM if self.problems else CallbackState.COMPLETED_CLEAN


def closing(progress: Progress, outcome: str) -> Draft:
    """The event that ends an attempt. One that crashed completes nothing: what was being said then
    may have taken the last answer back."""
    ends_as = {"not_me": CallbackState.NOT_ME, "crashed": CallbackState.INCOMPLETE}
    state = ends_as.get(outcome, progress.state)
    return Draft(
        "closed",
        {
            "outcome": outcome,
            "state": str(state),
            "answered": len(progress.as_expected),
            "total": progress.total,
            "problems": progress.problems,
        },
    )
