"""What an agent sees of a callback, and who has it when telephone and screen disagree."""

from __future__ import annotations

import asyncio

import pytest

from bot.callbacks import Callbacks
from bot.chats.chat import BROKEN
from bot.errors import HuifangError
from bot.evidence.ledger import Draft
from bot.humans.agent_phones import AgentPhones
from bot.humans.handoff import ELSEWHERE, PHONE_ONLY_ON_PHONE, HumanDesk
from bot.settings import Settings
from bot.store import Store
from tests.conftest import POLICY
from tests.flow.desks import Page, house, queued, until_queued
from voice.ami_client import AmiUnavailable
from voice.pbx_events import AgentRings, AgentTalks, Gone

OTHER = "902626001067"
UUID = "4f3b0e0a-9c1d-4a57-9d4e-000000000001"


class Exchange:
    """Stands for the switchboard, which knows the call, and for what records it on."""

    def __init__(self, callback: str) -> None:
        self.callback = callback
        self.recorded: list[str] = []
        self.fault: Exception | None = None

    def callback_of(self, uuid: str) -> str | None:
        return self.callback if uuid == UUID else None

    async def record(self, uuid: str, file: str) -> None:
        if self.fault:
            raise self.fault
        self.recorded.append(file)


def on_the_phone(callbacks: Callbacks, reason: str, *before: Draft, planned: str = "phone") -> str:
    """A callback whose caller waits for a human."""
    callback = callbacks.open(POLICY, planned)
    now = callbacks.clock.now()
    drafts = [Draft("called", {"line": "phone"}), *before]
    store = callbacks.store
    store.append(callback, drafts, wall=now, mono_ms=1, generation=1, state="IN_PROGRESS")
    handed = Draft("handed_over", {"reason": reason, "generation": 2})
    store.transfer(callback, 1, "queue", [handed], now, 2, state="HUMAN")
    return callback


async def talks(phones: AgentPhones, agent: str) -> None:
    phones.on_pbx(AgentTalks(UUID, agent))
    await phones.close()


async def test_who_chats_can_be_written_to_though_a_call_was_planned(
    settings: Settings, store: Store
) -> None:
    desk, callbacks = house(settings, store)
    callback = callbacks.open(POLICY, "phone")
    page = await queued(desk, store.token_for(callback))
    assert [one.channel for one in await desk.waiting()] == ["chat"]
    assert (await desk.take(callback, "李娜")).summary.channel == "chat"
    await desk.agent_say(callback, "李娜", "您好")
    assert any("您好" in text for text in page.sent)
    await desk.close()


async def test_who_calls_is_on_the_phone_though_a_chat_was_planned(
    settings: Settings, store: Store
) -> None:
    desk, callbacks = house(settings, store)
    callback = on_the_phone(callbacks, "key", planned="chat")
    assert (await desk.take(callback, "李娜")).summary.channel == "phone"
    with pytest.raises(HuifangError, match=PHONE_ONLY_ON_PHONE):
        await desk.agent_say(callback, "李娜", "您好")


async def test_who_is_there_comes_before_who_was_promised_a_call(
    settings: Settings, store: Store
) -> None:
    """F2 takes the first of the list."""
    desk, callbacks = house(settings, store)
    promised = on_the_phone(callbacks, "complaint")
    there = callbacks.open(OTHER, "chat")
    page = Page(await desk.open_chat(store.token_for(there)))
    await until_queued(desk, 2)
    assert [one.callback for one in await desk.waiting()] == [there, promised]
    page.line.detach(page)
    assert [one.callback for one in await desk.waiting()] == [promised, there]
    await desk.close()


async def test_who_is_to_be_called_back_has_a_number_and_a_time(
    settings: Settings, store: Store
) -> None:
    desk, callbacks = house(settings, store)
    slot = {"when": "2026-11-24T15:00:00+08:00", "slot": "明天下午三点", "text": "明天下午三点"}
    callback = on_the_phone(callbacks, "booked", Draft("rescheduled", slot))
    (waiting,) = await desk.waiting()
    assert "明天下午三点" in waiting.reason
    case = await desk.take(callback, "李娜")
    assert store.policy(POLICY).phone in [fact.value for fact in case.policy]


async def test_what_an_earlier_call_proved_says_nothing_of_who_calls_now(
    settings: Settings, store: Store
) -> None:
    desk, callbacks = house(settings, store)
    proven = Draft("identity", {"result": "ok", "tries": 1})
    again = Draft("called", {"line": "phone"})
    callback = on_the_phone(callbacks, "key", proven, again)
    assert (await desk.take(callback, "李娜")).identity == "unverified"


async def test_an_agent_at_another_bot_reads_what_is_written_and_is_told_the_truth(
    settings: Settings, store: Store
) -> None:
    """Two bots on one store: the page is at one, the agent at the other."""
    for bot in ("near", "far"):
        store.sharing.beat(bot)
    near, callbacks = house(settings, store, bot="near")
    far, _ = house(settings, store, bot="far")
    callback = callbacks.open(POLICY, "chat")
    page = await queued(near, store.token_for(callback))
    await far.take(callback, "李娜")
    with pytest.raises(HuifangError, match=ELSEWHERE):
        await far.agent_say(callback, "李娜", "您好")

    changes = near.watch()
    page.types("我没有收到保单")
    while not [e for e in store.events(callback) if e.kind == "heard"]:
        await asyncio.wait_for(anext(changes), 5)
    assert (await far.case(callback, "李娜")).transcript[-1].text == "我没有收到保单"
    assert not page.over.is_set()
    await far.answered(callback, "王强")
    await near.agent_say(callback, "王强", "我是王强")  # who goes on at the other console
    assert any("我是王强" in text for text in page.sent)
    await far.end(callback, "王强")
    page.types("喂")
    await asyncio.wait_for(page.over.wait(), 5)
    assert not any(BROKEN in text for text in page.sent)
    await near.close()


def ringing(desk: HumanDesk, callback: str) -> tuple[AgentPhones, Exchange]:
    exchange = Exchange(callback)
    return AgentPhones(exchange, desk, exchange), exchange  # type: ignore[arg-type]


async def test_a_caller_counts_as_there_until_the_exchange_tells_otherwise(
    settings: Settings, store: Store
) -> None:
    desk, callbacks = house(settings, store)
    callback = on_the_phone(callbacks, "key")
    phones, _ = ringing(desk, callback)
    phones.on_pbx(AgentRings(UUID, "李娜"))
    assert (await desk.case(callback, "李娜")).present
    await talks(phones, "李娜")
    assert (await desk.case(callback, "李娜")).present
    changes = desk.watch()
    await anext(changes)
    phones.on_pbx(Gone(UUID, 16))
    assert (await asyncio.wait_for(anext(changes), 5)).callback == callback
    assert not (await desk.case(callback, "李娜")).present


async def test_the_conversation_is_with_whom_the_caller_talks_to_and_is_recorded(
    settings: Settings, store: Store
) -> None:
    """One agent took it on the screen, the telephone of another rang."""
    desk, callbacks = house(settings, store)
    callback = on_the_phone(callbacks, "key")
    await desk.take(callback, "王强")
    phones, exchange = ringing(desk, callback)
    phones.on_pbx(AgentRings(UUID, "李娜"))
    await talks(phones, "李娜")
    assert store.callback(callback).owner == "human:李娜"
    assert len(exchange.recorded) == 1
    await talks(phones, "李娜")  # told twice: taken once
    assert [e.kind for e in store.events(callback)].count("taken") == 2


async def test_who_is_put_through_to_a_second_agent_is_recorded_on_in_one_file(
    settings: Settings, store: Store
) -> None:
    """The exchange records until the call ends; told again, it overwrites the file."""
    desk, callbacks = house(settings, store)
    callback = on_the_phone(callbacks, "key")
    phones, exchange = ringing(desk, callback)
    exchange.fault = AmiUnavailable("the manager is away")
    await talks(phones, "李娜")
    assert exchange.recorded == []
    exchange.fault = None
    for agent in ("王强", "李娜"):
        await talks(phones, agent)
    assert len(exchange.recorded) == 1


async def test_a_call_is_recorded_on_though_the_screen_has_lost_it(
    settings: Settings, store: Store
) -> None:
    desk, callbacks = house(settings, store)
    callback = on_the_phone(callbacks, "key")
    await desk.take(callback, "王强")
    await desk.end(callback, "王强")
    phones, exchange = ringing(desk, callback)
    await talks(phones, "李娜")
    assert store.callback(callback).owner == "bot"
    assert len(exchange.recorded) == 1
