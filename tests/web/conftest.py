"""Chromium once for all browser tests; a fresh desk and application for each."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.web.fake_desk import FakeDesk
from tests.web.serving import CHROMIUM, chromium, serve


@dataclass(frozen=True)
class House:
    """A running application, its desk, and the browser to visit it with."""

    url: str
    desk: FakeDesk
    browser: Browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if not shutil.which(CHROMIUM):
        pytest.skip(f"no Chromium at {CHROMIUM}: apt-get install chromium, or set HUIFANG_CHROMIUM")
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def house(browser: Browser) -> AsyncIterator[House]:
    desk = FakeDesk()
    async with serve(desk) as url:
        yield House(url, desk, browser)
