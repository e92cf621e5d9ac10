"""The pages behind the insurer's HTTPS proxy, which ends TLS and passes on Host: as the house opens
them, for the name that the settings give and for no other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bot.cli.importing import chat_link, import_policies
from bot.cli.options import settings
from bot.doors import pages, served
from bot.errors import ConfigError
from bot.settings import ROOT, Settings
from bot.web.app import make_runner
from tests.web.fake_desk import FakeDesk
from tests.web.serving import SECRET

NAME = "huifang.example.com"
URL = f"https://{NAME}"


@asynccontextmanager
async def opened(given: Settings) -> AsyncIterator[str]:
    desk = FakeDesk()
    try:
        async with served(make_runner(pages(given, desk, SECRET)), "127.0.0.1", 0) as port:
            yield f"http://127.0.0.1:{port}"
    finally:
        await desk.close()


async def status(client: aiohttp.ClientSession, at: str, host: str, origin: str) -> tuple[int, int]:
    """Of the page and of its socket."""
    async with client.get(f"{at}/chat", headers={"Host": host}) as answer:
        page = answer.status
    try:
        async with client.ws_connect(f"{at}/chat/ws", headers={"Host": host, "Origin": origin}):
            return page, 101
    except aiohttp.WSServerHandshakeError as refused:
        return page, refused.status


async def test_browsers_are_let_in_by_the_public_name_and_by_no_other(tmp_path: Path) -> None:
    given = Settings(data=tmp_path, public_url=f"{URL}/, http://10.0.0.5:8080")
    async with opened(given) as at, aiohttp.ClientSession() as client:
        assert await status(client, at, NAME, URL) == (200, 101)
        assert await status(client, at, "10.0.0.5:8080", "http://10.0.0.5:8080") == (200, 101)
        assert await status(client, at, NAME, "https://evil.example") == (200, 403)
        assert await status(client, at, "evil.example", "https://evil.example") == (403, 403)
        assert await status(client, at, "127.0.0.1", "http://127.0.0.1") == (403, 403)
    async with opened(Settings(data=tmp_path)) as at, aiohttp.ClientSession() as client:
        assert await status(client, at, NAME, URL) == (403, 403)
        own = at.removeprefix("http://")
        assert await status(client, at, own, at) == (200, 101)


async def test_behind_https_alone_the_browser_is_told_to_stay_there(tmp_path: Path) -> None:
    for urls, strict in ((URL, True), (f"{URL},http://10.0.0.5:8080", False), ("", False)):
        given = Settings(data=tmp_path, public_url=urls)
        assert given.https is strict
        async with (
            opened(given) as at,
            aiohttp.ClientSession() as client,
            client.get(f"{at}/chat", headers={"Host": NAME}) as answer,
        ):
            assert ("Strict-Transport-Security" in answer.headers) is strict


def test_a_chat_link_leads_to_the_public_name(tmp_path: Path) -> None:
    given = Settings(data=tmp_path, public_url=f"HTTPS://{NAME.title()}:443/")
    import_policies(given, ROOT / "examples" / "policies.csv")
    assert chat_link(given, "902626001083").startswith(f"{URL}/chat#t=")
    here = given.model_copy(update={"public_url": ""})
    assert chat_link(here, "902626001083").startswith("http://127.0.0.1:8080/chat#t=")


@pytest.mark.parametrize("url", ["huifang.example.com", "ftp://x", "https://x/chat", "https://"])
def test_an_address_that_no_browser_would_name_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUIFANG_PUBLIC_URL", url)
    with pytest.raises(ConfigError, match="HUIFANG_PUBLIC_URL: scheme and name"):
        settings()
