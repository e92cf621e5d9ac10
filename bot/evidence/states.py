"""The states of a callback and which may follow which (docs: rules, "States"). Pure."""

from __future__ import annotations

from enum import StrEnum

from bot.errors import HuifangError


class State(StrEnum):
    """Where a callback (回访) stands."""

    CREATED = "CREATED"
    WAIT_RECEIPT = "WAIT_RECEIPT"  # 回执 not signed yet: the cooling-off period has not begun
    READY = "READY"
    IN_PROGRESS = "IN_PROGRESS"  # somebody talks, by phone or chat
    COMPLETED_CLEAN = "COMPLETED_CLEAN"  # 成功: every answer as expected
    COMPLETED_PROBLEM = "COMPLETED_PROBLEM"  # 问题件: all answered, any NO or UNCLEAR
    INCOMPLETE = "INCOMPLETE"  # broken off; answers are kept for the same verified person
    HUMAN = "HUMAN"  # a human has it, or the human queue
    NOT_ME = "NOT_ME"  # somebody else answered: stopped, nothing disclosed
    MANUAL = "MANUAL"  # missed too often, or the bot refused: people reach out
    LETTER = "LETTER"
    VISIT = "VISIT"
    FAILED = "FAILED"  # nothing reached the policyholder; the reason is kept
    CANCELLED = "CANCELLED"  # surrendered in the cooling-off period


_S = State
_OUTCOMES = {_S.COMPLETED_CLEAN, _S.COMPLETED_PROBLEM, _S.INCOMPLETE, _S.NOT_ME, _S.READY}

TRANSITIONS: dict[State, frozenset[State]] = {
    # HUMAN from everywhere before the end: a fault must leave the caller with somebody.
    _S.CREATED: frozenset({_S.WAIT_RECEIPT, _S.READY, _S.IN_PROGRESS, _S.HUMAN}),
    _S.WAIT_RECEIPT: frozenset({_S.READY, _S.HUMAN}),
    _S.READY: frozenset({_S.IN_PROGRESS, _S.HUMAN, _S.MANUAL}),
    _S.IN_PROGRESS: frozenset({*_OUTCOMES, _S.HUMAN, _S.MANUAL}),
    _S.HUMAN: frozenset({*_OUTCOMES, _S.IN_PROGRESS, _S.MANUAL}),
    _S.INCOMPLETE: frozenset({_S.READY, _S.IN_PROGRESS, _S.HUMAN, _S.MANUAL}),
    _S.NOT_ME: frozenset({_S.MANUAL}),
    _S.MANUAL: frozenset({_S.HUMAN, _S.LETTER, _S.VISIT, _S.FAILED}),
    _S.LETTER: frozenset({_S.VISIT, _S.FAILED, _S.COMPLETED_CLEAN, _S.COMPLETED_PROBLEM}),
    _S.VISIT: frozenset({_S.LETTER, _S.FAILED, _S.COMPLETED_CLEAN, _S.COMPLETED_PROBLEM}),
    _S.COMPLETED_CLEAN: frozenset(),
    _S.COMPLETED_PROBLEM: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
}
"""Beside these, every state may become CANCELLED, and none changes by being set again."""

COMPLETED = frozenset({_S.COMPLETED_CLEAN, _S.COMPLETED_PROBLEM})
FINISHED = COMPLETED | {_S.NOT_ME, _S.FAILED, _S.CANCELLED}
"""The bot has nothing more to do here."""
UNDER_WAY = frozenset({_S.IN_PROGRESS, _S.HUMAN, _S.INCOMPLETE})
"""Begun and not finished: what a restart has to look at."""


class WrongState(HuifangError):
    """A callback cannot go from its state to the one asked for."""


def allowed(current: State, following: State) -> bool:
    return following in (current, _S.CANCELLED) or following in TRANSITIONS[current]


def move(current: str, following: str) -> State:
    """`following`, if it may come after `current`; raises WrongState otherwise."""
    before, after = State(current), State(following)
    if not allowed(before, after):
        raise WrongState(f"a callback that is {before} cannot become {after}")
    return after
