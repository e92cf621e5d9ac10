"""A running web application on a free loopback port, and Chromium to look at it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from playwright.async_api import Browser, Page, async_playwright, expect

from bot.doors import served
from bot.web.app import make_app, make_runner
from bot.web.desk import Desk

SECRET = "correct horse battery"
SCREENS = Path(__file__).parents[2] / "build" / "screens"
CHROMIUM = os.environ.get("HUIFANG_CHROMIUM", "/usr/bin/chromium")
CHROMIUM_ARGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip


class Closable(Desk, Protocol):
    async def close(self) -> None: ...


@asynccontextmanager
async def serve(desk: Closable) -> AsyncIterator[str]:
    """The address of the application."""
    app = make_app(desk, console_secret=SECRET, company="安心人寿保险股份有限公司", hotline="95500")
    try:
        async with served(make_runner(app), "127.0.0.1", 0) as port:
            yield f"http://127.0.0.1:{port}"
    finally:
        await desk.close()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def page_of(browser: Browser, width: int = 1280, height: int = 800) -> AsyncIterator[Page]:
    """A fresh window. Any script error or refused resource in it fails the test."""
    context = await browser.new_context(
        viewport={"width": width, "height": height}, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    context.set_default_timeout(8000)
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console",
        lambda line: (
            faults.append(line.text)
            if line.type == "error" and "Content Security" in line.text
            else None
        ),
    )
    try:
        yield page
    finally:
        await context.close()
    assert not faults, faults


async def login(page: Page, url: str, agent: str = "李娜") -> None:
    """Open the console as this agent."""
    await page.goto(f"{url}/console")
    await page.fill("#agent", agent)
    await page.fill("#secret", SECRET)
    await page.keyboard.press("Enter")
    await page.get_by_text(f"坐席：{agent}").wait_for()


async def screenshot(page: Page, name: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SCREENS / f"{name}.png")


async def says(page: Page, words: str) -> None:
    """Wait until the bot's newest message in the chat has these words."""
    await expect(page.locator(".bubble.bot .words").last).to_contain_text(words)


async def types_into(page: Page, text: str, *, label: str) -> None:
    """Send a typed message; `label` names the field in the page's language."""
    await page.get_by_label(label).fill(text)
    await page.keyboard.press("Enter")
