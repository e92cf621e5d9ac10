"""The chat page in Chromium: buttons, keyboard, typing, reading aloud, broken connections."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from bot.errors import HuifangError, ServedElsewhere, StoreUnavailable
from bot.vault.datakey import Unreadable
from tests.web.conftest import House
from tests.web.fake_desk import ELDER_TOKEN, GOODBYE, ITEMS, OPENING, TOKEN, tone
from tests.web.serving import page_of, screenshot
from voice.frames import Utterance

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def enter(page: Page, house: House, token: str = TOKEN) -> None:
    """Open the chat and wait for the first item."""
    await page.goto(f"{house.url}/chat#t={token}")
    await asked(page, "B3")


async def asked(page: Page, item: str) -> None:
    words = ITEMS.get(item, GOODBYE)
    await expect(page.locator(".bubble.bot .words").last).to_have_text(words)


async def press(page: Page, name: str) -> None:
    """As a person would: waits until the button is no longer resting."""
    await page.get_by_role("button", name=name, exact=True).click()


async def tapped(page: Page) -> list[WebSocketRoute]:
    """The page's connections, as they come: each can be cut or led to nowhere."""
    lines: list[WebSocketRoute] = []

    def through(line: WebSocketRoute) -> None:
        lines.append(line)
        line.connect_to_server()

    await page.route_web_socket("**/chat/ws", through)
    return lines


async def test_a_whole_callback_by_buttons(house: House) -> None:
    async with page_of(house.browser) as page:
        await enter(page, house)
        await expect(page.get_by_text("第 1 项，共 3 项")).to_be_visible()
        await expect(page.get_by_text("由人工智能语音助手提供，回复由人工智能生成")).to_be_visible()
        await press(page, "是／清楚")
        await asked(page, "B9")
        await press(page, "再说一遍")
        await expect(page.locator(".bubble.bot")).to_have_count(len(OPENING) + 3)
        await press(page, "是／清楚")
        await asked(page, "B10")
        await press(page, "不是／不清楚")
        await asked(page, "goodbye")
        await expect(page.locator("#owner")).to_contain_text("本次回访对话已结束")
        button = page.get_by_role("button", name="是／清楚", exact=True)
        await expect(button).to_be_disabled()
    answers = [(done.item, done.answer) for done in house.desk.chats[TOKEN].answered]
    assert answers == [("B3", "yes"), ("B9", "yes"), ("B10", "no")]


async def test_a_whole_callback_by_keyboard_alone(house: House) -> None:
    async with page_of(house.browser) as page:
        await enter(page, house)
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="跳到回答按钮")).to_be_focused()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        yes = page.get_by_role("button", name="是／清楚", exact=True)
        await expect(yes).to_be_focused()
        await expect(yes).to_be_enabled()
        await page.keyboard.press("Enter")
        await asked(page, "B9")
        await expect(yes).to_be_focused()
        await expect(yes).to_be_enabled()
        await page.keyboard.press("2")
        await asked(page, "B10")
        for _ in range(4):
            await page.keyboard.press("Tab")
        await expect(page.get_by_label("输入回答")).to_be_focused()
        await page.keyboard.insert_text("清楚")
        await page.keyboard.press("Enter")
        await asked(page, "goodbye")
    answers = [done.answer for done in house.desk.chats[TOKEN].answered]
    assert answers == ["yes", "no", "yes"]


async def test_a_second_press_cannot_answer_the_next_question(house: House) -> None:
    async with page_of(house.browser) as page:
        await enter(page, house)
        yes = page.get_by_role("button", name="是／清楚", exact=True)
        await expect(yes).to_be_enabled()
        await yes.dblclick()
        await asked(page, "B9")
        await yes.dispatch_event("click")
        await expect(yes).to_be_enabled()
        await asked(page, "B9")
    assert len(house.desk.chats[TOKEN].answered) == 1


@pytest.mark.parametrize("key", ["1", "Enter"])
async def test_a_key_held_down_answers_one_question(house: House, key: str) -> None:
    """A finger that stays on it, or a book: the next question waits for a press of its own."""
    async with page_of(house.browser) as page:
        await enter(page, house)
        yes = page.get_by_role("button", name="是／清楚", exact=True)
        await expect(yes).to_be_enabled()
        await yes.focus()
        await page.keyboard.down(key)
        await asked(page, "B9")
        await expect(yes).to_be_enabled()
        await page.keyboard.down(key)  # held: it repeats
        await expect(yes).to_be_enabled()
        await page.keyboard.up(key)
        await page.keyboard.press("2")
        await asked(page, "B10")
    answers = [done.answer for done in house.desk.chats[TOKEN].answered]
    assert answers == ["yes", "no"]


async def test_digits_in_the_text_field_are_text(house: House) -> None:
    async with page_of(house.browser) as page:
        await enter(page, house)
        await page.get_by_label("输入回答").press_sequentially("19540308")
        await page.keyboard.press("Enter")
        await expect(page.locator(".bubble.caller .words")).to_have_text("19540308")
    said = [e for e in house.desk.chats[TOKEN].events if isinstance(e, Utterance)]
    assert [(event.text, event.via) for event in said] == [("19540308", "text")]


@pytest.mark.parametrize("focus", ["是／清楚", ""])
async def test_digits_of_a_number_that_is_asked_for_are_written(house: House, focus: str) -> None:
    """Whatever has the focus: a birth date would be half swallowed, and its 0 call a human."""
    house.desk.written = {"B3"}
    async with page_of(house.browser) as page:
        await enter(page, house)
        if focus:
            await page.get_by_role("button", name=focus, exact=True).focus()
        await page.keyboard.type("19540308")
        await expect(page.get_by_label("输入回答")).to_have_value("19540308")
        if focus:  # as somebody who looks elsewhere meanwhile
            await page.get_by_role("button", name=focus, exact=True).focus()
            await page.keyboard.type("0")
        await page.keyboard.press("Enter")
        said = "19540308" + ("0" if focus else "")
        await expect(page.locator(".bubble.caller .words")).to_have_text(said)
    chat = house.desk.chats[TOKEN]
    assert (chat.owner, chat.answered) == ("bot", [])


@pytest.mark.parametrize("written", [True, False])
async def test_0_alone_is_a_human_from_everywhere(house: House, written: bool) -> None:
    house.desk.written = {"B3"} if written else set()
    async with page_of(house.browser) as page:
        await enter(page, house)
        await page.keyboard.press("0")
        await expect(page.locator("#owner")).to_contain_text("正在为您转接人工客服")
    assert house.desk.chats[TOKEN].owner == "queue"


async def test_another_link_in_the_same_tab_is_followed(house: House) -> None:
    async with page_of(house.browser) as page:
        await page.goto(f"{house.url}/chat#t=expired")
        await expect(page.get_by_text("链接无效或已过期")).to_be_visible()
        await page.evaluate(f"location.hash = 't={TOKEN}'")
        await asked(page, "B3")


async def test_an_answer_into_a_dead_connection_is_not_waited_for_in_vain(house: House) -> None:
    """As after a telephone slept or changed networks: the socket is open, and nothing arrives."""
    async with page_of(house.browser) as page:
        await page.clock.install()
        lines = await tapped(page)
        await enter(page, house)
        lines[0].on_message(lambda _: None)  # both ways to nowhere
        await press(page, "是／清楚")
        field = page.get_by_label("输入回答")
        for text in ("清楚", "我还有一个问题"):
            await field.fill(text)
            await page.keyboard.press("Enter")
        await field.fill("还没写完")
        await page.clock.run_for(7000)
        await expect(field).to_have_value("清楚 我还有一个问题 还没写完")
        assert len(lines) == 2
        await press(page, "是／清楚")
        await asked(page, "B9")
    assert len(house.desk.chats[TOKEN].answered) == 1


async def test_a_wish_for_a_human_into_a_dead_connection_goes_out_again(house: House) -> None:
    async with page_of(house.browser) as page:
        await page.clock.install()
        lines = await tapped(page)
        await enter(page, house)
        lines[0].on_message(lambda _: None)
        await press(page, "转人工")
        assert house.desk.chats[TOKEN].owner == "bot"
        await page.clock.run_for(7000)
        await expect(page.locator("#owner")).to_contain_text("正在为您转接人工客服")
        await expect(page.locator(".bubble.caller")).to_have_count(1)
        await lines[1].close()  # once it has arrived it is not sent anew
        await page.clock.run_for(1000)
        await expect(page.locator(".bubble.caller")).to_have_count(1)
    assert house.desk.chats[TOKEN].owner == "queue"


async def test_a_wish_for_a_human_that_died_with_the_bot_goes_out_again(house: House) -> None:
    """It stood in the page, and the process was killed before it was on record."""
    async with page_of(house.browser) as page:
        await enter(page, house)
        dying = house.desk.chats[TOKEN]
        assert dying.task and dying.line._peer
        dying.task.cancel()
        await press(page, "转人工")
        await expect(page.locator(".bubble.caller .words")).to_have_text("转人工")
        assert dying.owner == "bot"
        del house.desk.chats[TOKEN]
        dying.line._peer.close("killed")
        await expect(page.locator("#owner")).to_contain_text("正在为您转接人工客服")
        await expect(page.locator(".bubble.caller")).to_have_count(1)
    assert house.desk.chats[TOKEN].owner == "queue"


async def test_a_wish_for_a_human_without_a_connection_is_taken(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the page tries at once, however long its pauses have become."""
    async with page_of(house.browser) as page:
        await page.clock.install()
        await enter(page, house)
        human = page.get_by_role("button", name="转人工", exact=True)
        with monkeypatch.context() as full:
            full.setattr("bot.web.sockets.MAX_SOCKETS", 0)
            house.desk.chats[TOKEN].line._peer.close("test")  # type: ignore[union-attr]
            await expect(page.locator("#connection")).to_contain_text("正在重新连接")
            for _ in range(60):
                await page.clock.run_for(500)
                await page.evaluate("fetch('/chat')")  # time for the server to answer
            await expect(human).to_be_enabled()
        await human.click()
        await expect(page.locator("#owner")).to_contain_text("正在为您转接人工客服")
    assert house.desk.chats[TOKEN].owner == "queue"


async def test_what_arrived_is_not_offered_again(house: House) -> None:
    """The server shows it back in plain letters: without wide blanks and what cannot be seen."""
    async with page_of(house.browser) as page:
        await enter(page, house)
        field = page.get_by_label("输入回答")
        await field.fill("我\u3000收到\u200b了")
        await page.keyboard.press("Enter")
        await expect(page.locator(".bubble.caller .words")).to_have_text("我 收到 了")
        line = house.desk.chats[TOKEN].line
        line._peer.close("test")  # type: ignore[union-attr]
        await expect(page.locator("#connection")).to_contain_text("正在重新连接")
        await expect(page.locator("#connection")).to_be_empty()
        await expect(field).to_have_value("")


async def test_what_was_typed_too_fast_is_not_lost(house: House) -> None:
    async with page_of(house.browser) as page:
        await enter(page, house)
        field = page.get_by_label("输入回答")
        for n in range(11):
            await field.fill(f"第{n}句")
            await page.keyboard.press("Enter")
        await expect(page.locator("#notice")).to_contain_text("您发得太快了")
        await expect(field).to_have_value("第10句")


async def test_one_browser_is_told_from_another(house: House) -> None:
    async with page_of(house.browser) as mine, page_of(house.browser) as other:
        await enter(mine, house)
        await mine.reload()
        await asked(mine, "B3")
        await enter(other, house)
    first, again, stranger = house.desk.browsers
    assert first == again != stranger
    assert len(first) == 32


async def test_the_token_leaves_the_address_and_reloading_still_works(house: House) -> None:
    async with page_of(house.browser) as page:
        await enter(page, house)
        assert page.url == f"{house.url}/chat"
        await page.reload()
        await asked(page, "B3")
        await expect(page.locator(".bubble")).to_have_count(len(OPENING) + 1)


async def test_without_a_link_the_page_says_what_to_do(house: House) -> None:
    async with page_of(house.browser) as page:
        await page.goto(f"{house.url}/chat")
        await expect(page.locator("#connection")).to_contain_text("95500")
        await page.goto(f"{house.url}/chat#t=wrong")
        await expect(page.locator("#connection")).to_contain_text("链接无效或已过期")


async def test_a_lost_connection_is_told_and_comes_back(house: House) -> None:
    async with page_of(house.browser) as page:
        await enter(page, house)
        await page.get_by_label("输入回答").fill("还没写完")
        line = house.desk.chats[TOKEN].line
        line._peer.close("test")  # type: ignore[union-attr]
        await expect(page.locator("#connection")).to_contain_text("正在重新连接")
        await expect(page.locator("#connection")).to_be_empty()
        await expect(page.locator(".bubble")).to_have_count(len(OPENING) + 1)
        await expect(page.get_by_label("输入回答")).to_have_value("还没写完")
        await press(page, "是／清楚")
        await asked(page, "B9")


async def test_who_is_refused_for_now_is_told_why_and_tries_less_and_less(house: House) -> None:
    """As while the telephone call about the same policy goes on."""
    house.desk.refusal = ServedElsewhere()
    async with page_of(house.browser) as page:
        await page.clock.install()
        await page.goto(f"{house.url}/chat#t={TOKEN}")
        shown = page.locator("#connection")
        await expect(shown).to_contain_text("请先在那里完成；结束后可以在这里继续。")
        await expect(shown).to_contain_text("95500")
        for _ in range(120):
            await page.clock.run_for(500)
            await page.evaluate("fetch('/chat')")  # time for the server to answer
        assert 10 <= len(house.desk.browsers) <= 16, "in one minute"
        await expect(shown).to_contain_text("请先在那里完成")
        house.desk.refusal = None
        await page.clock.run_for(25_000)
        await asked(page, "B3")
        await expect(shown).to_be_empty()


async def test_a_page_that_cannot_get_in_says_what_to_do_and_goes_on_trying(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many are there, or the proxy passes no WebSockets: a browser is not told which."""
    async with page_of(house.browser) as page:
        await page.clock.install()
        with monkeypatch.context() as full:
            full.setattr("bot.web.sockets.MAX_SOCKETS", 0)
            await page.goto(f"{house.url}/chat#t={TOKEN}")
            shown = page.locator("#connection")
            for _ in range(120):
                await page.clock.run_for(500)
                if "95500" in await shown.inner_text():
                    break
            await expect(shown).to_contain_text("本页会继续尝试")
        await page.clock.run_for(25_000)
        await asked(page, "B3")
        await expect(shown).to_be_empty()


async def test_no_policyholder_reads_words_about_the_machine(house: House) -> None:
    house.desk.refusal = StoreUnavailable("the store cannot be used: database is locked")
    async with page_of(house.browser) as page:
        await page.goto(f"{house.url}/chat#t={TOKEN}")
        shown = page.locator("#connection")
        await expect(shown).to_contain_text("系统暂时打不开这次回访")
        house.desk.refusal = Unreadable("something sealed cannot be opened: it was changed")
        await expect(shown).to_contain_text("无法在网页上办理。 如需帮助，请拨打客服热线 95500。")


async def test_a_second_window_takes_over_and_the_first_can_take_back(house: House) -> None:
    async with page_of(house.browser) as first, page_of(house.browser) as second:
        await enter(first, house)
        await enter(second, house)
        await expect(first.locator("#connection")).to_contain_text("另一个窗口")
        await first.get_by_role("button", name="在本窗口继续").click()
        await expect(first.locator("#connection")).to_be_empty()
        await expect(second.locator("#connection")).to_contain_text("另一个窗口")
        await press(first, "是／清楚")
        await asked(first, "B9")


async def test_reading_aloud(house: House) -> None:
    async with page_of(house.browser) as page:
        await enter(page, house)
        listen = page.get_by_role("button", name="朗读").first
        await listen.click()
        await expect(listen).to_contain_text("停止朗读")
        await expect(listen).not_to_contain_text("停止朗读")
        assert house.desk.spoken == [(OPENING[0], 1.0)]


async def test_new_messages_are_read_by_themselves_when_wanted(house: House) -> None:
    async with page_of(house.browser) as page:
        await enter(page, house)
        await press(page, "大字·设置")
        await press(page, "自动朗读")
        await press(page, "是／清楚")
        await asked(page, "B9")
        await expect(page.locator(".listen").last).to_contain_text("停止朗读")
        assert house.desk.spoken == [(ITEMS["B9"], 1.0)]


async def test_who_answers_need_not_hear_the_question_to_its_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a key stops our speech on the telephone."""
    asked_for, speaks = [], asyncio.Event()

    async def speak(text: str, rate: float) -> bytes:
        asked_for.append(text)
        await speaks.wait()
        return tone()

    monkeypatch.setattr(house.desk, "speak", speak)
    async with page_of(house.browser) as page:
        await enter(page, house)
        await press(page, "大字·设置")
        await press(page, "自动朗读")
        await press(page, "再说一遍")
        again = page.locator(".listen").last
        await expect(again).to_contain_text("准备中")
        question = await again.element_handle()
        assert question is not None
        await press(page, "是／清楚")
        await asked(page, "B9")
        assert (await question.inner_text()).startswith("朗读")
        await expect(page.locator(".listen").last).to_contain_text("准备中")
        speaks.set()
        await expect(page.locator(".listen").last).to_contain_text("停止朗读")
    assert asked_for == [ITEMS["B3"], ITEMS["B9"]]


async def test_without_a_voice_the_page_says_so(house: House) -> None:
    house.desk.mute = HuifangError("no voice")
    async with page_of(house.browser) as page:
        await enter(page, house)
        await page.get_by_role("button", name="朗读").first.click()
        await expect(page.locator("#notice")).to_contain_text("语音朗读暂时不可用")


async def test_an_elder_begins_in_elder_mode_and_may_leave_it(house: House) -> None:
    async with page_of(house.browser, 390, 844) as page:
        await enter(page, house, ELDER_TOKEN)
        size = "getComputedStyle(document.documentElement).fontSize"
        assert await page.evaluate(size) == "26px"
        await screenshot(page, "chat-phone-elder")
        await page.locator("#settings").click()
        await press(page, "长辈模式")
        assert await page.evaluate(size) == "20px"
        await page.reload()
        await asked(page, "B3")
        assert await page.evaluate(size) == "20px"


async def test_letters_grow_from_18_to_30(house: House) -> None:
    async with page_of(house.browser) as page:
        await enter(page, house)
        await page.locator("#settings").click()
        size = "getComputedStyle(document.querySelector('.bubble .words')).fontSize"
        for _ in range(10):
            await page.get_by_role("button", name="字号增大").click()
        assert await page.evaluate(size) == "30px"
        for _ in range(10):
            await page.get_by_role("button", name="字号减小").click()
        assert await page.evaluate(size) == "18px"
        await page.get_by_role("slider", name="字号").press("ArrowRight")
        assert await page.evaluate(size) == "19px"


async def test_markup_is_shown_as_text(house: House) -> None:
    attack = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    house.desk.texts["B3"] = f"您清楚吗？{attack}"
    async with page_of(house.browser) as page:
        await page.goto(f"{house.url}/chat#t={TOKEN}")
        await expect(page.locator(".bubble.bot .words").last).to_contain_text(attack)
        await page.get_by_label("输入回答").fill(attack)
        await page.keyboard.press("Enter")
        await expect(page.locator(".bubble.caller .words")).to_have_text(attack)
        assert await page.locator(".log img, .log script").count() == 0
        assert "owned" not in await page.title()


async def test_inline_script_is_refused_by_the_policy(house: House) -> None:
    async with page_of(house.browser) as page:
        await enter(page, house)
        blocked = await page.evaluate(
            """() => {
                const script = document.createElement("script");
                try { script.textContent = "window.owned = 1"; } catch { return true; }
                document.body.append(script);
                return window.owned === undefined;
            }"""
        )
        assert blocked
