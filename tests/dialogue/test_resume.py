"""Whatever a caller says, and wherever their calls break off: each item is answered once."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from actions.state import CHECK, ITEMS, PROOF, QUESTIONS, State
from bot.dialogue.protocol import Act, Ask, Handoff, Record
from tests.dialogue.rulebook import Talk
from tests.dialogue.test_bounds import CALLER, ERRANDS, THREE

IDS = [item.id for item in THREE]
LIKELY = [*CALLER, *["affirm"] * len(CALLER)]
CALLBACKS = 1500


def called(done: list[str]) -> Talk:
    """As the dialogue begins with what an earlier call left open."""
    left = tuple(item for item in THREE if item.id not in done)
    talk = Talk(State(items=left, resumed=bool(done)))
    talk.hear("start")
    return talk


def turn(talk: Talk, intent: str, good: bool) -> Iterator[Act]:
    talk.hear(intent)
    assert talk.last is not None
    yield from talk.last.acts
    while talk.acts and talk.acts[-1] in ERRANDS:
        right, wrong, *_ = ERRANDS[talk.acts[-1]]
        talk.hear(right if good else wrong)
        yield from talk.last.acts


def willing(state: State) -> str:
    """What somebody says who wants to be done."""
    if state.phase in (PROOF, CHECK):
        return "inform"
    wants_no = state.phase == ITEMS and state.items[0].expect == "no"
    return "deny" if wants_no or state.phase == QUESTIONS else "affirm"


def broken_off(done: list[str], chance: Random) -> list[str]:
    """What a call adds to the record until it breaks off, maybe just before its last commit."""
    talk, added = called(done), []
    length, lost = chance.randrange(30), chance.random() < 0.5
    for number in range(length):
        if talk.over:
            break
        acts = list(turn(talk, chance.choice(LIKELY), chance.random() < 0.7))
        if lost and number == length - 1:
            break  # the caller never heard that it was noted
        added += [act.item for act in acts if isinstance(act, Record)]
    return added


def test_calls_that_break_off_anywhere_lose_and_repeat_no_answer() -> None:
    chance, resumed = Random(20261122), 0
    for _ in range(CALLBACKS):
        done: list[str] = []
        for _ in range(chance.randrange(6)):
            done += broken_off(done, chance)
        left = [id for id in IDS if id not in done]
        resumed += 0 < len(left) < len(IDS)
        talk, asked = called(done), []
        while not talk.over:
            for act in turn(talk, willing(talk.state), good=True):
                assert not isinstance(act, Handoff)
                asked += [act.clause] if isinstance(act, Ask) and act.clause in IDS else []
                done += [act.item] if isinstance(act, Record) else []
        assert asked == left, "it goes on at the first open item"
        assert sorted(done) == sorted(IDS), "every item once"
    assert resumed > CALLBACKS // 10
