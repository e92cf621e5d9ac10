"""Who waits in a chat for a human is seen by the humans until one of them ends it."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace

import pytest

from bot.chats import chat, chats
from bot.chats.chats import EARLIER
from bot.conversation import rescue
from bot.conversation.ending import closing
from bot.dialogue import protocol
from bot.dialogue.protocol import Moved, Start, Turn
from bot.errors import HuifangError, ServedElsewhere
from bot.evidence.ledger import Draft
from bot.evidence.states import State
from bot.humans.handoff import LEFT
from bot.settings import Settings
from bot.store import Store
from bot.web.chatline import ChatLine
from bot.web.desk import ChatOver, LinkInvalid
from tests.conftest import POLICY, SteppingClock
from tests.flow.desks import DeadDialogue, Page, house, queued, until_queued
from tests.harm import locked


async def test_who_leaves_the_page_is_still_waited_for(settings: Settings, store: Store) -> None:
    desk, callbacks = house(settings, store)
    callback = callbacks.open(POLICY, "chat")
    token = store.token_for(callback)
    page = await queued(desk, token)
    over = asyncio.gather(*desk._chats._tasks)
    await page.line.close()  # as it does by itself when the page stays away
    await asyncio.wait_for(over, 5)

    (waiting,) = await desk.waiting()
    assert waiting.callback == callback
    row = store.callback(callback)
    assert (row.state, row.owner) == (State.HUMAN, "queue")
    page = Page(await desk.open_chat(token))  # and who comes back waits with the same case
    await desk.take(callback, "李娜")
    await desk.agent_say(callback, "李娜", "您好")
    assert any("您好" in text for text in page.sent)

    over = asyncio.gather(*desk._chats._tasks)
    await page.line.close()
    await asyncio.wait_for(over, 5)
    assert [one.callback for one in await desk.held_by("李娜")] == [callback]
    with pytest.raises(HuifangError, match=LEFT):
        await desk.agent_say(callback, "李娜", "您还在吗？")
    await desk.end(callback, "李娜")
    row = store.callback(callback)
    assert (row.state, row.owner) == (State.INCOMPLETE, "bot")
    calls = [event for event in store.events(callback) if event.kind in ("called", "failed")]
    assert len(calls) == 1, "the bot says nothing to whom a human has"
    assert callbacks.open(POLICY, "chat") == callback, "no second callback beside it"


async def test_whoever_waits_longest_is_on_the_list_and_a_damaged_record_hides_nobody(
    settings: Settings, store: Store
) -> None:
    desk, callbacks = house(settings, store)
    ids = []
    for _ in range(3):
        id = store.create_callback(POLICY, "zh-2026.1", "phone")
        ids.append(id)
        handed = [Draft("handed_over", {"reason": "key", "generation": 2})]
        now = callbacks.clock.now()
        store.append(id, [Draft("called", {"line": "phone"})], wall=now, mono_ms=1, generation=1)
        store.transfer(id, 1, "queue", handed, now, 2, state="HUMAN")
    assert store.with_humans("queue") == ids
    with sqlite3.connect(settings.data / "huifang.db") as intruder:
        intruder.execute("DROP TRIGGER events_no_update")
        intruder.execute("UPDATE events SET body = x'00' WHERE callback = ?", (ids[1],))
    assert {one.callback for one in await desk.waiting()} == {ids[0], ids[2]}


async def test_who_is_on_the_phone_is_not_asked_in_the_chat_as_well(
    settings: Settings, store: Store
) -> None:
    desk, callbacks = house(settings, store)
    callback = callbacks.open(POLICY, "phone")
    token = store.token_for(callback)
    callbacks.serve(callback)
    with pytest.raises(ServedElsewhere, match="请先在那里完成"):
        await desk.open_chat(token)
    assert all(event.kind == "created" for event in store.events(callback))

    callbacks.leave(callback)  # the call is over
    page = await queued(desk, token)
    over = asyncio.gather(*desk._chats._tasks)
    await page.line.close()
    await asyncio.wait_for(over, 5)
    assert callback not in callbacks.served


async def test_who_opens_the_link_reads_nothing_of_earlier_calls(
    settings: Settings, store: Store
) -> None:
    """Neither what the contract says nor the proof of identity, which would pass once more."""
    desk, callbacks = house(settings, store)
    callback = callbacks.open(POLICY, "phone")
    born = {"via": "key", "text": "19790425", "confidence": 1.0, "start_ms": 1, "end_ms": 1}
    read = {"clause": "B8", "item": "B8", "text": "每季交3000元。", "sha256": "0"}
    earlier = [Draft("called", {"line": "phone"}), Draft("heard", born), Draft("asked", read)]
    now = callbacks.clock.now()
    store.append(callback, earlier, wall=now, mono_ms=1, generation=1, state="IN_PROGRESS")
    store.append(callback, [], wall=now, mono_ms=2, generation=1, state="INCOMPLETE")

    page = await queued(desk, store.token_for(callback))
    await desk.close()  # as at a restart, while a human is wanted
    desk, _ = house(settings, store)
    again = Page(await desk.open_chat(store.token_for(callback)))
    for text in (*page.sent, *again.sent):
        assert "19790425" not in text
        assert "3000元" not in text
    assert EARLIER in page.sent[0]
    await desk.close()


async def test_a_link_to_what_an_import_has_corrected_leads_nowhere(
    settings: Settings, store: Store
) -> None:
    desk, callbacks = house(settings, store)
    token = store.token_for(callbacks.open(POLICY, "chat"))
    policy = store.policy(POLICY)
    store.save_policies([replace(policy, premium=policy.premium + 1)])
    with pytest.raises(LinkInvalid, match="已有更新"):
        await desk.open_chat(token)
    await queued(desk, store.token_for(callbacks.open(POLICY, "chat")))
    await desk.close()


class AskedDialogue(DeadDialogue):
    """Remembers with which state it was asked."""

    def __init__(self) -> None:
        self.states: list[protocol.State] = []

    async def turn(self, turn: Turn) -> Moved:
        self.states.append(turn.state)
        return await super().turn(turn)


async def test_the_link_in_another_browser_takes_over_nothing(
    settings: Settings, store: Store
) -> None:
    """Who has the link, a seller say, is not who proved identity in the open page."""
    desk, callbacks = house(settings, store)
    token = store.token_for(callbacks.open(POLICY, "chat"))
    page = await queued(desk, token, "hers")
    page.types("我是1979年4月25日生的")
    changes = desk.watch()
    while not any("1979年" in text for text in page.sent):
        await anext(changes)
    assert await desk.open_chat(token, "hers") is page.line

    other = Page(await desk.open_chat(token, "his"))
    assert any('"moved"' in text for text in page.sent)
    assert other.line is not page.line
    assert not any("1979" in text for text in other.sent)
    assert len(await desk.waiting()) == 1, "and a human is still wanted"
    await desk.close()


async def test_what_was_proven_before_a_chat_began_anew_proves_nothing(
    settings: Settings, store: Store
) -> None:
    dialogue = AskedDialogue()
    desk, callbacks = house(settings, store, dialogue)
    callback = callbacks.open(POLICY, "phone")
    now = callbacks.clock.now()
    proven = Draft("identity", {"result": "ok", "tries": 1})
    drafts = [Draft("called", {"line": "phone"}), proven]
    store.append(callback, drafts, wall=now, mono_ms=1, generation=1, state="IN_PROGRESS")
    handed = Draft("handed_over", {"reason": "key", "generation": 2})
    known = {"phase": "items", "verified": True}
    store.transfer(callback, 1, "queue", [handed], now, 2, state="HUMAN", snapshot=known)
    token = store.token_for(callback)
    Page(await desk.open_chat(token))
    case = await desk.take(callback, "李娜")
    assert case.identity == "unverified"
    await desk.give_back(callback, "李娜")
    await until_queued(desk)
    assert [state["verified"] for state in dialogue.states] == [False]
    await desk.close()


@pytest.mark.parametrize(
    ("state", "words"), [("NOT_ME", "还没有完成"), ("COMPLETED_CLEAN", "已经完成")]
)
async def test_a_link_whose_callback_was_stopped_does_not_say_that_it_is_done(
    state: str, words: str, settings: Settings, store: Store
) -> None:
    desk, callbacks = house(settings, store)
    callback = callbacks.open(POLICY, "chat")
    for following in ("IN_PROGRESS", state):
        now = callbacks.clock.now()
        store.append(callback, [], wall=now, mono_ms=1, generation=1, state=following)
    with pytest.raises(ChatOver, match=words):
        await desk.open_chat(store.token_for(callback))


async def test_what_an_agent_does_before_the_chat_has_begun_counts(
    settings: Settings, store: Store
) -> None:
    desk, callbacks = house(settings, store)
    callback = callbacks.open(POLICY, "chat")
    token = store.token_for(callback)
    await queued(desk, token)
    await desk.close()  # as at a restart

    line = ChatLine()
    late = chat.Chat(desk._chats._conversations, callback, line, lambda: None)
    await late.take("李娜")
    closed = closing(callbacks.progress(callback), "ended_by_human")
    await late.scribe.transfer("bot", [closed], state=closed.body["state"])
    late.end()
    await asyncio.wait_for(late.run(), 5)
    assert store.events(callback)[-1].kind == "closed", "the bot says nothing more"


async def test_a_human_ends_a_chat_that_was_resumed_and_the_bot_stays_silent(
    settings: Settings, store: Store
) -> None:
    desk, callbacks = house(settings, store)
    callback = callbacks.open(POLICY, "chat")
    token = store.token_for(callback)
    await queued(desk, token)
    await desk.close()  # as at a restart

    desk, _ = house(settings, store)
    page = Page(await desk.open_chat(token))
    over = asyncio.gather(*desk._chats._tasks)
    await desk.take(callback, "李娜")
    await desk.end(callback, "李娜")
    await asyncio.wait_for(over, 5)
    assert store.events(callback)[-1].kind == "closed"
    assert page.over.is_set(), "the page says that it is over"


async def test_a_hand_over_that_could_not_be_written_is_written_later(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescue, "RETRY_S", 0.02)
    with Store.open(settings.database_url, settings.key_folder, busy_s=0.05) as impatient:
        desk, callbacks = house(settings, impatient)
        callback = callbacks.open(POLICY, "chat")
        token = impatient.token_for(callback)
        with locked(settings.data / "huifang.db"):
            page = Page(await desk.open_chat(token))
            async with asyncio.timeout(10):
                await page.queued.wait()
            assert await desk.waiting() == []
        await until_queued(desk)
        assert impatient.callback(callback).owner == "queue"
        await desk.close()


class SlowDialogue(DeadDialogue):
    """Takes its time to understand that a human is wanted."""

    def __init__(self) -> None:
        self.asked, self.answers = asyncio.Event(), asyncio.Event()

    async def begin(self, start: Start) -> Moved:
        return Moved((), {})

    async def turn(self, turn: Turn) -> Moved:
        self.asked.set()
        await self.answers.wait()
        return Moved((protocol.Say("H_now"), protocol.Handoff("request")), turn.state)


async def test_what_had_arrived_when_the_bot_was_stopped_is_acted_on(
    settings: Settings, store: Store
) -> None:
    dialogue = SlowDialogue()
    desk, callbacks = house(settings, store, dialogue)
    callback = callbacks.open(POLICY, "chat")
    page = Page(await desk.open_chat(store.token_for(callback)))
    page.types("我要找真人")
    stopped = asyncio.create_task(desk.close())
    await asyncio.wait_for(dialogue.asked.wait(), 5)
    dialogue.answers.set()
    await stopped
    kinds = [event.kind for event in store.events(callback)]
    assert "heard" in kinds and "handed_over" in kinds
    assert store.callback(callback).owner == "queue"


async def test_what_was_written_to_a_human_when_the_bot_was_stopped_is_kept(
    settings: Settings, store: Store
) -> None:
    desk, callbacks = house(settings, store)
    callback = callbacks.open(POLICY, "chat")
    page = await queued(desk, store.token_for(callback))
    page.types("我没有收到保单")
    await desk.close()
    assert store.events(callback)[-1].body["text"] == "我没有收到保单"


async def test_a_dialogue_that_hangs_does_not_keep_the_bot_from_stopping(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chats, "HEARD_OUT_S", 0.05)
    desk, callbacks = house(settings, store, SlowDialogue())
    page = Page(await desk.open_chat(store.token_for(callbacks.open(POLICY, "chat"))))
    page.types("我要找真人")
    await asyncio.wait_for(desk.close(), 5)
    assert not desk._chats._tasks


class RobbedDialogue(DeadDialogue):
    """Another bot takes the conversation before the first word."""

    def __init__(self, store: Store) -> None:
        self.store, self.callback = store, ""

    async def begin(self, start: Start) -> Moved:
        now = SteppingClock().now()
        self.store.transfer(self.callback, 1, "bot", [], now, 1)
        return Moved((), {})


async def test_a_chat_that_another_bot_has_ended_is_not_called_done(
    settings: Settings, store: Store
) -> None:
    dialogue = RobbedDialogue(store)
    desk, callbacks = house(settings, store, dialogue)
    dialogue.callback = callbacks.open(POLICY, "chat")
    page = Page(await desk.open_chat(store.token_for(dialogue.callback)))
    await asyncio.wait_for(page.over.wait(), 5)
    assert any(chat.BROKEN in text for text in page.sent)


async def test_who_writes_to_a_chat_that_broke_is_told(settings: Settings, store: Store) -> None:
    with Store.open(settings.database_url, settings.key_folder, busy_s=0.05) as impatient:
        desk, callbacks = house(settings, impatient)
        token = impatient.token_for(callbacks.open(POLICY, "chat"))
        page = await queued(desk, token)
        with locked(settings.data / "huifang.db"):
            page.types("我没有收到保单")
            async with asyncio.timeout(10):
                await page.over.wait()
        assert any(chat.BROKEN in text for text in page.sent)
        assert (await desk.waiting())[0].reason == "系统故障，已转人工"
        await desk.close()
