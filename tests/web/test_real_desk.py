"""Both pages in Chromium on the real application: real Rasa, real store, no fake in between."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bot.callbacks import Conversations
from bot.evidence.states import State
from bot.evidence.verify import verify_store
from bot.humans.handoff import HumanDesk
from bot.parts import open_voice
from bot.settings import Settings
from tests.conftest import POLICY
from tests.web.serving import login, page_of, says, screenshot, serve, types_into

pytestmark = [
    pytest.mark.browser,
    pytest.mark.rasa,
    pytest.mark.models,
    pytest.mark.asyncio(loop_scope="session"),
]


types = partial(types_into, label="输入回答")


@dataclass
class Office:
    url: str
    token: str
    callback: str
    conversations: Conversations

    def events(self, kind: str) -> list[dict[str, object]]:
        events = self.conversations.callbacks.store.events(self.callback)
        return [e.body for e in events if e.kind == kind]


@pytest_asyncio.fixture(loop_scope="session")
async def office(settings: Settings, conversations: Conversations) -> AsyncIterator[Office]:
    callbacks = conversations.callbacks
    desk = HumanDesk(conversations, open_voice(settings))  # nothing is read aloud here
    callbacks.on_event = desk.on_event
    callback = callbacks.open(POLICY, "chat")
    async with serve(desk) as url:
        yield Office(url, callbacks.store.token_for(callback), callback, conversations)


async def to_the_first_item(page: Page, office: Office) -> None:
    await page.goto(f"{office.url}/chat#t={office.token}")
    await says(page, "您现在方便吗")
    await types(page, "方便")
    await says(page, "欧阳先生本人吗")
    await types(page, "是我")
    await says(page, "出生年月日")
    await types(page, "1979年4月25日")
    await says(page, "是您本人购买的吗")


async def test_a_callback_by_chat_with_a_human_in_the_middle(
    browser: Browser, office: Office
) -> None:
    async with page_of(browser) as chat, page_of(browser, 1440, 900) as console:
        await to_the_first_item(chat, office)
        await expect(chat.get_by_text(re.compile(r"第\s1\s项，共\s16\s项"))).to_be_visible()
        await types(chat, "是的，是我买的")
        await says(chat, "是您本人签的吗")
        await types(chat, "转人工")
        await expect(chat.locator("#owner")).to_contain_text("正在为您转接人工客服")

        await login(console, office.url)
        await expect(console.locator("#waiting .ticket")).to_contain_text("欧阳先生")
        await console.keyboard.press("F2")
        for known in ("已核实", "安心传家终身寿险", "是您本人购买的吗"):
            await expect(console.locator("#context")).to_contain_text(known)
        await console.keyboard.insert_text("您好，我是李娜，请问有什么可以帮您？")
        await console.keyboard.press("Control+Enter")
        await expect(chat.locator(".bubble.agent .words")).to_contain_text("我是李娜")
        await types(chat, "电子签名算不算？")
        await expect(console.locator("#log .caller").last).to_contain_text("电子签名算不算")
        await screenshot(console, "console-real")

        await console.keyboard.press("F8")
        await console.get_by_role("button", name="确定").click()
        await says(chat, "是您本人签的吗")
        await types(chat, "是我签的")
        await says(chat, "您收到了吗")
        await screenshot(chat, "chat-real")

    answers = [(body["item"], body["answer"]) for body in office.events("answered")]
    assert answers == [("B1", "yes"), ("B2", "yes")]
    assert [body["agent"] for body in office.events("taken")] == ["李娜"]
    assert len(office.events("given_back")) == 1
    (report,) = verify_store(office.conversations.callbacks.store)
    assert report.integrity, str(report)


async def test_a_human_ends_it_and_what_was_answered_stands(
    browser: Browser, office: Office
) -> None:
    async with page_of(browser) as chat, page_of(browser) as console:
        await to_the_first_item(chat, office)
        await types(chat, "是的，是我买的")
        await says(chat, "是您本人签的吗")
        await chat.get_by_role("button", name="转人工", exact=True).click()
        await login(console, office.url)
        await expect(console.locator("#waiting .ticket")).to_be_visible()  # F2 takes who is there
        await console.keyboard.press("F2")
        await expect(console.locator("#text")).to_be_focused()
        await console.keyboard.press("F9")
        await console.keyboard.press("Enter")
        await expect(chat.locator("#owner")).to_contain_text("本次回访对话已结束")
    row = office.conversations.callbacks.store.callback(office.callback)
    assert (row.state, row.outcome) == (State.INCOMPLETE, "ended_by_human")
    assert office.conversations.callbacks.answered(office.callback) == {"B1": True}


async def test_a_birth_date_is_typed_with_the_focus_on_a_button(
    browser: Browser, office: Office
) -> None:
    """By an elder who has just pressed 是 and types on; and a 1 too many answers nothing."""
    async with page_of(browser, 640, 400) as chat:  # as at 200 %
        await chat.goto(f"{office.url}/chat#t={office.token}")
        yes = chat.get_by_role("button", name="是／清楚", exact=True)
        await says(chat, "您现在方便吗")
        await yes.click()
        await says(chat, "欧阳先生本人吗")
        await yes.click()
        await says(chat, "出生年月日")
        await yes.focus()
        await chat.keyboard.type("19790425", delay=120)
        await chat.keyboard.press("Enter")
        await says(chat, "是您本人购买的吗")
        await expect(yes).to_be_enabled()
        await yes.focus()
        await chat.keyboard.type("11", delay=50)
        await says(chat, "是您本人签的吗")
    assert [body["item"] for body in office.events("answered")] == ["B1"]
    assert office.events("handed_over") == []


async def test_a_link_that_is_not_ours_learns_nothing(browser: Browser, office: Office) -> None:
    async with page_of(browser) as chat:
        await chat.goto(f"{office.url}/chat#t=guess")
        await expect(chat.get_by_text("链接无效或已过期")).to_be_visible()
    assert office.events("called") == []
