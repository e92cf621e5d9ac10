"""The console in Chromium, beside the policyholder's page it works on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from bot.web.desk import Waiting
from tests.web.conftest import House
from tests.web.fake_desk import ELDER_TOKEN, ITEMS, TOKEN
from tests.web.serving import login, page_of, screenshot
from tests.web.test_chat_page import asked, enter, press

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def wants_human(page: Page, house: House, token: str = TOKEN) -> None:
    await enter(page, house, token)
    await press(page, "是／清楚")
    await asked(page, "B9")
    await press(page, "转人工")
    await expect(page.locator("#owner")).to_contain_text("正在为您转接人工客服")


async def test_the_conversation_is_on_the_screen_when_the_agents_telephone_rings(
    house: House,
) -> None:
    async with (
        page_of(house.browser) as chat,
        page_of(house.browser) as mine,
        page_of(house.browser) as other,
    ):
        await login(mine, house.url, "李娜")
        await login(other, house.url, "王强")
        await wants_human(chat, house)
        house.desk.ring(TOKEN, "李娜")
        await expect(mine.locator("#open-items .here")).to_contain_text(ITEMS["B9"])
        await expect(mine.locator("#waiting .ticket")).to_contain_text("李娜 话机响铃")
        await expect(other.locator("#waiting .ticket")).to_contain_text("李娜 话机响铃")
        await expect(other.locator("#no-case")).to_be_visible()


async def test_a_take_over_from_wish_to_give_back(house: House) -> None:
    async with page_of(house.browser) as chat, page_of(house.browser, 1440, 900) as console:
        await login(console, house.url)
        await expect(console.get_by_text("目前没有人在等待")).to_be_visible()
        await wants_human(chat, house)
        await expect(console.locator("#waiting .ticket")).to_contain_text("客户要求转人工")
        await expect(console).to_have_title("（1人等待）人工坐席工作台 · 安心人寿保险股份有限公司")

        await console.keyboard.press("F2")
        await expect(console.locator("#text")).to_be_focused()
        await expect(chat.locator("#owner")).to_contain_text("人工客服 李娜 正在为您服务")
        for known in ("已核实", "王秀兰", ITEMS["B10"]):
            await expect(console.locator("#context")).to_contain_text(known)
        await expect(console.locator("#open-items .here")).to_contain_text(ITEMS["B9"])
        await expect(console.locator("#log .caller").last).to_contain_text("转人工")

        await console.keyboard.insert_text("您好，您哪里不清楚？")
        await console.keyboard.press("Control+Enter")
        await expect(chat.locator(".bubble.agent .words")).to_have_text("您好，您哪里不清楚？")
        await expect(console.locator("#text")).to_have_value("")
        await chat.get_by_label("输入回答").fill("犹豫期是什么意思？")
        await chat.keyboard.press("Enter")
        await expect(console.locator("#log .caller").last).to_contain_text("犹豫期是什么意思？")
        await screenshot(console, "console-take-over")

        await console.keyboard.press("F8")
        await console.get_by_role("button", name="确定").click()
        await expect(console.locator("#no-case")).to_be_visible()
        await asked(chat, "B9")
        await expect(chat.locator("#owner")).to_be_empty()
        await press(chat, "是／清楚")
        await asked(chat, "B10")


async def test_an_agent_can_end_it_and_can_think_again(house: House) -> None:
    async with page_of(house.browser) as chat, page_of(house.browser) as console:
        await wants_human(chat, house)
        await login(console, house.url)
        await console.get_by_role("button", name="接管王女士").click()
        await expect(console.locator("#text")).to_be_focused()
        await console.keyboard.press("F9")
        await console.keyboard.press("Escape")
        await expect(console.locator("#open")).to_be_visible()
        await console.keyboard.press("F9")
        await console.keyboard.press("Enter")
        await expect(chat.locator("#owner")).to_contain_text("本次回访对话已结束")
        await expect(console.locator("#no-case")).to_be_visible()


async def test_nothing_is_lost_on_reload(house: House) -> None:
    async with page_of(house.browser) as chat, page_of(house.browser) as console:
        await wants_human(chat, house)
        await login(console, house.url)
        await console.keyboard.press("F2")
        await console.locator("#text").fill("写到一半")
        await console.reload()
        await expect(console.locator("#text")).to_have_value("写到一半")
        await expect(console.locator("#who")).to_have_text("王女士")
        await expect(console.locator("#mine .ticket")).to_have_count(1)


async def test_the_most_urgent_stands_first_and_lateness_is_said(house: House) -> None:
    now = datetime.now(UTC)
    phone = Waiting(
        "ph", "phone", "陈先生", "投诉", now - timedelta(seconds=42), elder=False, severe=True
    )
    house.desk.phone = [phone]
    async with page_of(house.browser) as elder, page_of(house.browser) as console:
        await wants_human(elder, house, ELDER_TOKEN)
        await login(console, house.url)
        first = console.locator("#waiting .ticket").first
        for sign in ("陈先生", "电话", "紧急", "已等 00:4"):
            await expect(first).to_contain_text(sign)
        await expect(first.locator(".late")).to_be_visible()
        second = console.locator("#waiting .ticket").nth(1)
        await expect(second).to_contain_text("60岁以上")

        await second.get_by_role("button").focus()
        house.desk.phone = [phone, replace(phone, callback="ph2", who="孙女士")]
        house.desk.bell.ring()
        await expect(console.locator("#waiting-news")).to_contain_text("新来一位：孙女士")
        await expect(console.get_by_role("button", name="接管赵先生")).to_be_focused()


async def test_a_refused_command_keeps_what_was_written(house: House) -> None:
    async with page_of(house.browser) as chat, page_of(house.browser) as console:
        await wants_human(chat, house)
        await login(console, house.url)
        await console.keyboard.press("F2")
        await expect(console.locator("#text")).to_be_focused()
        house.desk.chats[TOKEN].owner = "王强"
        await console.locator("#text").fill("您好")
        await console.keyboard.press("Control+Enter")
        await expect(console.locator("#fault")).to_contain_text("已不在您名下")
        await expect(console.locator("#text")).to_have_value("您好")


async def test_markup_from_a_policyholder_is_text_for_the_agent(house: House) -> None:
    attack = "<img src=x onerror=\"document.title='owned'\">"
    async with page_of(house.browser) as chat, page_of(house.browser) as console:
        await wants_human(chat, house)
        await chat.get_by_label("输入回答").fill(attack)
        await chat.keyboard.press("Enter")
        await login(console, house.url)
        await console.keyboard.press("F2")
        await expect(console.locator("#log .caller .words").last).to_have_text(attack)
        assert await console.locator("#log img").count() == 0
