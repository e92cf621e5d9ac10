"""What is rendered ahead: who is called next first, everybody in time, nobody twice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import pytest
import structlog

from bot.callbacks import Callbacks
from bot.conversation.acting import Manner, Stage
from bot.dialogue.protocol import Ask, Explain
from bot.rehearsal import Rehearsal
from bot.settings import Settings
from bot.store import Store
from voice.errors import SpeechFailed

FIRST, SECOND = "902626001018", "902626001083"
ELDERLY = FIRST


@dataclass
class Clip:
    cpu_s: float = 1.5


class Voice:
    """Remembers what it spoke, in order."""

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self.fails = False

    def cached(self, text: str) -> bool:
        return text in self.spoken

    async def render(self, text: str) -> Clip:
        if self.fails:
            raise SpeechFailed("the engine is gone")
        assert text not in self.spoken, "rendered twice"
        self.spoken.append(text)
        return Clip()


@pytest.fixture
def callbacks(settings: Settings, store: Store) -> Callbacks:
    return Callbacks(settings, store)


@pytest.fixture
def voice() -> Voice:
    return Voice()


@pytest.fixture
def rehearsal(callbacks: Callbacks, voice: Voice) -> Rehearsal:
    return Rehearsal(callbacks, voice)


async def until_idle(rehearsal: Rehearsal) -> None:
    while await rehearsal.step():
        pass


async def test_without_everyone_only_the_hurried_are_rendered(
    callbacks: Callbacks, voice: Voice, rehearsal: Rehearsal
) -> None:
    policy = callbacks.store.policy(SECOND)
    assert not rehearsal.ready(policy)
    assert not await rehearsal.step()
    rehearsal.hurry(policy)
    await until_idle(rehearsal)
    assert rehearsal.ready(policy)
    assert set(voice.spoken) == set(callbacks.sentences(policy))


@pytest.mark.parametrize("number", [ELDERLY, SECOND])
def test_whatever_may_be_asked_is_rendered_and_no_wording_that_the_elderly_never_hear(
    callbacks: Callbacks, number: str
) -> None:
    policy = callbacks.store.policy(number)
    script = callbacks.script(policy)
    stage = Stage(script, spoken=True)
    asks = [
        Ask(id, form)
        for id, clause in script.clauses.items()
        for form in ("full", "plain", "keys")
        if id in script.items or clause.checks
    ]
    explained = [Explain(act.clause) for act in asks if script.clauses[act.clause].explain]
    plan = stage.plan([*asks, *explained], Manner(), first_seq=0)
    rendered = {*callbacks.sentences(policy), *callbacks.contingencies(policy)}
    assert rendered >= {speech.text for speech in plan.speech}
    assert script.elder is (number == ELDERLY)
    assert any("投保了《" in text for text in rendered) is not script.elder
    assert any("买了《" in text for text in rendered)


async def test_everybody_s_sure_words_come_before_anybody_s_other_words(
    callbacks: Callbacks, voice: Voice, rehearsal: Rehearsal
) -> None:
    await rehearsal._look()
    await until_idle(rehearsal)
    policies = callbacks.store.policies()
    sure = {text for policy in policies for text in callbacks.sentences(policy)}
    rest = {text for policy in policies for text in callbacks.contingencies(policy)}
    assert set(voice.spoken[: len(sure)]) == sure
    assert set(voice.spoken) == sure | rest


async def test_a_call_that_waits_comes_before_all_else(
    callbacks: Callbacks, voice: Voice, rehearsal: Rehearsal
) -> None:
    await rehearsal._look()
    waiting = callbacks.store.policy(SECOND)
    speak = voice.render

    async def hurried_in_the_midst(text: str) -> Clip:
        if len(voice.spoken) == 3:
            rehearsal.hurry(waiting)
        return await speak(text)

    voice.render = hurried_in_the_midst  # type: ignore[method-assign]
    await rehearsal.step()
    mine = callbacks.sentences(waiting)
    known = voice.spoken[:4]
    wanted = [text for text in mine if text not in known]
    assert voice.spoken[4 : 4 + len(wanted)] == wanted


async def test_a_policy_that_came_or_changed_is_found(
    callbacks: Callbacks, voice: Voice, rehearsal: Rehearsal
) -> None:
    await rehearsal._look()
    await until_idle(rehearsal)
    before = len(voice.spoken)
    await rehearsal._look()
    assert not await rehearsal.step(), "nothing changed"
    changed = replace(callbacks.store.policy(FIRST), holder="欧阳明")
    callbacks.store.save_policies([changed])
    await rehearsal._look()
    await until_idle(rehearsal)
    assert rehearsal.ready(changed)
    assert any("欧阳" in text for text in voice.spoken[before:])


async def test_a_voice_that_fails_stops_nothing_and_says_nothing_of_anybody(
    callbacks: Callbacks, voice: Voice, rehearsal: Rehearsal
) -> None:
    policy = callbacks.store.policy(SECOND)
    voice.fails = True
    rehearsal.hurry(policy)
    with structlog.testing.capture_logs() as logs:
        assert await rehearsal.step()
        voice.fails = False
        rehearsal.hurry(policy)
        await until_idle(rehearsal)
    assert [entry["event"] for entry in logs] == ["rehearsal.failed", "rehearsal.rendered"]
    assert logs[1]["cpu_s"] == 1.5 * logs[1]["sentences"]
    assert policy.surname not in str(logs)
    assert policy.number not in str(logs)


async def test_it_runs_by_itself(callbacks: Callbacks, voice: Voice, rehearsal: Rehearsal) -> None:
    task = asyncio.create_task(rehearsal.run())
    rehearsal.everyone()
    policy = callbacks.store.policy(FIRST)
    while not rehearsal.ready(policy):  # noqa: ASYNC110 - the task has no event for it
        await asyncio.sleep(0.001)
    task.cancel()


async def test_a_fault_nobody_foresaw_stops_no_other_policy(
    callbacks: Callbacks, voice: Voice, rehearsal: Rehearsal
) -> None:
    speak, broken = voice.render, callbacks.store.policy(FIRST)

    async def breaks(text: str) -> Clip:
        raise TypeError("a fault of ours")

    voice.render = breaks  # type: ignore[method-assign]
    rehearsal.hurry(broken)
    await until_idle(rehearsal)
    voice.render = speak  # type: ignore[method-assign]
    policy = callbacks.store.policy(SECOND)
    rehearsal.hurry(policy)
    await until_idle(rehearsal)
    assert rehearsal.ready(policy)
