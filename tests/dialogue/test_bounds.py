"""No conversation goes on for ever, and none says too much: thousands of made-up callers."""

from __future__ import annotations

import itertools
import random

import pytest

from actions.move import find_action
from actions.state import State
from bot.dialogue.protocol import Ask, Explain, Handoff, Item, Record, Say
from tests.dialogue.rulebook import RULES, Talk, intents

THREE = (
    Item("B1", severe=True, check="B1q"),
    Item("B9", check="B9q", must_check=True),
    Item("NT2", expect="no"),
)
BEFORE_IDENTITY = {
    "B1",
    "B1q",
    "B9",
    "B9q",
    "NT2",
    "T_items",
    "I_ok",
    "Z1",
    "Z2",
    "Z_clean",
    "Z_problem",
}
OURS = ("identity", "time", "check", "start", "resume", "nobody")
CALLER = [i for i in intents() if not i.startswith(OURS)]
ERRANDS = {
    "verify": ("identity_ok", "identity_wrong"),
    "reschedule": ("time_booked", "time_unheard"),
    "check": ("check_right", "check_wrong", "check_unclear", "check_keyed"),
}
LONGEST = 120  # turns of the most stubborn caller over three items


def caller_says(talk: Talk, intent: str, rng: random.Random | None = None) -> None:
    """One turn, and what the application answers to its errands."""
    talk.hear(intent)
    while talk.acts and talk.acts[-1] in ERRANDS:
        good, *bad = ERRANDS[talk.acts[-1]]
        talk.hear(good if rng and rng.random() < 0.7 else bad[talk.state.tries.wrong % len(bad)])


def turns_until_over(talk: Talk, pattern: tuple[str, ...]) -> int:
    for count, intent in enumerate(itertools.cycle(pattern)):
        if talk.over:
            return count
        assert count <= LONGEST, f"{pattern} never ends"
        caller_says(talk, intent)
    raise AssertionError


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "identified"])
@pytest.mark.parametrize("length", [1, 2, 3])
def test_every_stubborn_caller_comes_to_an_end(length: int, known: bool) -> None:
    worst = 0
    for pattern in itertools.product(CALLER, repeat=length):
        talk = Talk(State(items=THREE))
        talk.hear(*["start", "affirm", "affirm", "inform", "identity_ok"][: 5 if known else 1])
        worst = max(worst, turns_until_over(talk, pattern))
    assert worst > 3  # some of them did try our patience


def test_random_callers_never_hear_too_much_and_are_never_misquoted() -> None:
    rng = random.Random(20261122)
    everything = intents()
    for _ in range(3000):
        talk = Talk(State(items=THREE, elder=rng.random() < 0.5))
        proven = False
        caller_says(talk, "start")
        for _ in range(60):
            before = talk.state
            intent = rng.choice([*everything, *["affirm"] * 12])
            if intent.startswith(("identity", "check")) or intent == "start":
                continue
            acts = find_action(talk.action(intent)) and talk.hear(intent) and talk.last.acts
            if talk.acts == ["verify"]:
                talk.hear("identity_ok" if rng.random() < 0.7 else "identity_wrong")
                proven = proven or talk.state.verified
                acts = talk.last.acts
            checked = ""
            if talk.acts == ["check"]:
                checked = rng.choice(ERRANDS["check"])
                acts = talk.hear(checked) and talk.last.acts
            for act in acts or ():
                if isinstance(act, (Say, Ask, Explain)) and not proven:
                    assert act.clause not in BEFORE_IDENTITY
                if isinstance(act, Record):
                    assert before.on_item and act.item == before.items[0].id
                    assert act.answer != "yes" or (intent == "affirm" or checked == "check_right")
                    if act.answer == "yes" and before.items[0].must_check:
                        assert before.phase == "comprehension" and checked == "check_right"
                    assert act.answer != "no" or intent == "deny"
                    assert not before.waiting
            if before.phase == "handoff" and intent not in {"resume", "nobody_free"}:
                assert not acts
            if any(isinstance(act, Handoff) for act in acts or ()):
                assert talk.state.phase == "handoff"


def test_every_rule_names_an_action_that_exists_and_every_state_survives_json() -> None:
    for action in set(RULES.values()):
        find_action(action)
    talk = Talk(State(items=THREE, elder=True))
    talk.hear("start", "affirm", "affirm", "inform", "identity_ok", "hedge", "explain", "silence")
    assert State.from_json(talk.state.to_json()) == talk.state
