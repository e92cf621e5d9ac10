"""What WCAG 2.2 AA and rule 21 ask, measured in Chromium on both pages."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page

from tests.web.conftest import House
from tests.web.fake_desk import ELDER_TOKEN, TOKEN
from tests.web.serving import login, page_of, screenshot
from tests.web.test_chat_page import asked, enter, press
from tests.web.test_console_page import wants_human

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# Contrast (WCAG 1.4.3, 1.4.11) of every visible text against what lies behind it, and of the
# borders of controls against what lies beside them. Paints every colour on a canvas to read it.
CONTRAST = """() => {
  const pen = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d");
  const rgba = (color) => {
    pen.clearRect(0, 0, 1, 1); pen.fillStyle = color; pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data];
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = rgba(getComputedStyle(e).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const luminance = ([r, g, b]) => {
    const [R, G, B] = [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
  };
  const ratio = (a, b) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    if (!element.checkVisibility() || element.closest(".hidden, .skip")) continue;
    const style = getComputedStyle(element);
    const name = `${element.tagName}.${element.className}#${element.id}`;
    const own = [...element.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim());
    if (own) found.push({name, kind: "text", ratio: ratio(rgba(style.color), behind(element))});
    if (element.matches("input[type=text], textarea")) {
      const hint = getComputedStyle(element, "::placeholder").color;
      found.push({name, kind: "text", ratio: ratio(rgba(hint), behind(element))});
    }
    if (element.matches("button, input:not([type=range]), textarea") && parseFloat(style.borderTopWidth)
        && rgba(style.borderTopColor)[3] === 255 && !element.matches(":disabled, [aria-disabled=true]")) {
      found.push({name, kind: "edge", ratio: ratio(rgba(style.borderTopColor), behind(element.parentElement))});
    }
  }
  return found;
}"""  # noqa: E501

# Size of every visible control, and whether it lies wholly inside the page's width.
CONTROLS = """() => [...document.querySelectorAll("button, a[href], input, textarea")]
  .filter((e) => e.checkVisibility() && !e.closest(".hidden, .skip"))
  .map((e) => {
    const {width, height, left, right} = e.getBoundingClientRect();
    const inside = left >= 0 && right <= document.documentElement.clientWidth + 0.5;
    return {name: e.id || e.textContent, width, height, inside};
  })"""

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


async def check_contrast(page: Page) -> None:
    found: list[dict[str, Any]] = await page.evaluate(CONTRAST)
    assert {"text", "edge"} == {one["kind"] for one in found}
    weak = [one for one in found if one["ratio"] < (4.5 if one["kind"] == "text" else 3.0)]
    assert not weak, weak


async def check_fits(page: Page) -> None:
    assert await page.evaluate(OVERFLOW) <= 0
    outside = [one["name"] for one in await page.evaluate(CONTROLS) if not one["inside"]]
    assert not outside


@pytest.mark.parametrize("contrast", [False, True])
async def test_contrast_of_the_chat(house: House, contrast: bool) -> None:
    async with page_of(house.browser) as page:
        await enter(page, house)
        await page.locator("#settings").click()
        if contrast:
            await press(page, "高对比度")
        await press(page, "是／清楚")
        await asked(page, "B9")
        await check_contrast(page)  # with resting buttons
        await page.get_by_role("button", name="转人工", exact=True).click()
        await page.get_by_text("已转人工").wait_for()
        house.desk.chats[TOKEN].line.agent_says("您好")
        house.desk.chats[TOKEN].line.note("已为您预约")
        await page.locator(".bubble.note").wait_for()
        await check_contrast(page)


async def test_contrast_of_the_console(house: House) -> None:
    async with page_of(house.browser) as chat, page_of(house.browser, 1440, 900) as console:
        await console.goto(f"{house.url}/console")
        await check_contrast(console)
        await wants_human(chat, house, ELDER_TOKEN)
        await login(console, house.url)
        await check_contrast(console)
        await console.keyboard.press("F2")
        await console.locator("#open").wait_for()
        await check_contrast(console)


@pytest.mark.parametrize("width", [320, 390, 1280])
async def test_targets_in_elder_mode_are_60_px(house: House, width: int) -> None:
    async with page_of(house.browser, width, 844) as page:
        await enter(page, house, ELDER_TOKEN)
        await page.locator("#settings").click()
        controls = await page.evaluate(CONTROLS)
        assert len(controls) >= 12
        small = [
            one for one in controls
            if one["height"] < 60 or (one["width"] < 60 and one["name"] != "size")
        ]  # fmt: skip
        assert not small, small


async def test_targets_are_44_px_otherwise_and_answers_60(house: House) -> None:
    async with page_of(house.browser) as page:
        await enter(page, house)
        await page.locator("#settings").click()
        small = [one for one in await page.evaluate(CONTROLS) if one["height"] < 44]
        assert not small, small
        for answer in await page.locator(".answer").all():
            box = await answer.bounding_box()
            assert box is not None
            assert box["height"] >= 60


@pytest.mark.parametrize("size", [18, 30])
@pytest.mark.parametrize(("width", "height"), [(320, 640), (390, 844), (640, 400), (1280, 800)])
async def test_the_chat_never_scrolls_sideways(
    house: House, width: int, height: int, size: int
) -> None:
    """640 × 400 is 1280 × 800 at 200 % zoom, 320 is 400 % (WCAG 1.4.10)."""
    async with page_of(house.browser, width, height) as page:
        await enter(page, house, ELDER_TOKEN)
        await page.locator("#settings").click()
        await page.locator("#size").fill(str(size))
        await check_fits(page)
        await page.locator("#settings").click()
        human = page.get_by_role("button", name="转人工", exact=True)
        for scroll in (0, 10**6):
            await page.evaluate(f"scrollTo(0, {scroll})")
            box = await human.bounding_box()
            assert box is not None
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= height, "a human is always in sight"
            label = await page.locator("#ai-label").bounding_box()
            assert label is not None
            assert 0 <= label["y"] < height, "the AI label is always in sight"
        await screenshot(page, f"chat-{width}x{height}-{size}px")


@pytest.mark.parametrize(("width", "height"), [(320, 640), (640, 400), (1024, 768), (1440, 900)])
async def test_the_console_never_scrolls_sideways(house: House, width: int, height: int) -> None:
    async with page_of(house.browser) as chat, page_of(house.browser, width, height) as console:
        await wants_human(chat, house)
        await login(console, house.url)
        await check_fits(console)
        await console.keyboard.press("F2")
        await console.locator("#open").wait_for()
        await check_fits(console)
        await screenshot(console, f"console-{width}x{height}")


async def test_a_new_question_is_seen_from_its_beginning(house: House) -> None:
    async with page_of(house.browser, 320, 640) as page:
        await enter(page, house, ELDER_TOKEN)
        await press(page, "是／清楚")
        await asked(page, "B9")
        question = await page.locator(".bubble.newest").bounding_box()
        status = await page.locator("#status").bounding_box()
        assert question is not None
        assert status is not None
        assert question["y"] >= status["y"] + status["height"] - 1


async def test_what_a_screen_reader_needs(house: House) -> None:
    async with page_of(house.browser) as page:
        await enter(page, house)
        log = page.get_by_role("log", name="对话记录")
        assert await log.get_attribute("aria-live") == "polite"
        assert await page.locator("html").get_attribute("lang") == "zh-CN"
        for status in ("#owner", "#connection", "#notice"):
            assert await page.locator(status).get_attribute("role") == "status"
        unnamed = await page.evaluate(
            """() => [...document.querySelectorAll("button, input")]
                .filter((e) => !e.textContent.trim() && !e.ariaLabel && !e.labels?.length).length"""
        )
        assert unnamed == 0


async def test_line_spacing(house: House) -> None:
    async with page_of(house.browser) as page:
        await enter(page, house)
        spacing = await page.evaluate(
            """() => { const s = getComputedStyle(document.querySelector(".bubble .words"));
                       return parseFloat(s.lineHeight) / parseFloat(s.fontSize); }"""
        )
        assert spacing >= 1.3
