"""What every visitor meets: headers, origins, login, limits. Over real sockets."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs
from yarl import URL

from bot.errors import HuifangError, OwnershipLost, StoreUnavailable
from bot.web import sockets
from bot.web.desk import Case
from tests.web.fake_desk import ITEMS, OPENING, TOKEN, FakeDesk, tone
from tests.web.serving import SECRET, serve


class Site:
    """The running application and a client with a cookie jar."""

    def __init__(self, url: str, desk: FakeDesk, client: aiohttp.ClientSession) -> None:
        self.url, self.desk, self.client = url, desk, client

    async def login(self, agent: str = "李娜", secret: str = SECRET, **headers: str) -> int:
        form = {"agent": agent, "secret": secret}
        headers = {"Origin": self.url, **headers}
        address = f"{self.url}/console/login"
        async with self.client.post(
            address, data=form, headers=headers, allow_redirects=False
        ) as answer:
            return answer.status

    async def socket(self, path: str, origin: str | None = "") -> aiohttp.ClientWebSocketResponse:
        """`origin` "" is our own, None sends none."""
        headers = {} if origin is None else {"Origin": origin or self.url}
        return await self.client.ws_connect(self.url + path, headers=headers)

    async def chat(self, token: str = TOKEN) -> aiohttp.ClientWebSocketResponse:
        ws = await self.socket("/chat/ws")
        await ws.send_json({"type": "hello", "token": token})
        return ws


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    desk = FakeDesk()
    jar = aiohttp.CookieJar(unsafe=True)  # a jar keeps cookies of IP addresses only so
    async with serve(desk) as url, aiohttp.ClientSession(cookie_jar=jar) as client:
        yield Site(url, desk, client)


async def got(ws: aiohttp.ClientWebSocketResponse, type: str) -> dict[str, Any]:
    """The next message of this type."""
    while True:
        message = await ws.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        data: dict[str, Any] = json.loads(message.data)
        if data["type"] == type:
            return data


async def close_code(ws: aiohttp.ClientWebSocketResponse) -> int | None:
    while not ws.closed:
        await ws.receive(timeout=5)
    return ws.close_code


# --- headers, origins


@pytest.mark.parametrize("path", ["/chat", "/console", "/static/chat.css", "/nowhere", "/chat/ws"])
async def test_every_response_carries_the_security_headers(site: Site, path: str) -> None:
    async with site.client.get(site.url + path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Server"] == "huifang"
        assert "no-" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/chat", "/console"])
async def test_pages_hold_nothing_inline_and_nothing_from_elsewhere(site: Site, path: str) -> None:
    async with site.client.get(site.url + path) as answer:
        page = await answer.text()
    assert "安心人寿保险股份有限公司" in page
    assert "{{" not in page
    for foreign in ("style=", "onclick=", "://", "<style"):
        assert foreign not in page


@pytest.mark.parametrize("path", ["/chat/ws", "/console/ws"])
@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1:1"])
async def test_sockets_of_other_origins_are_refused(
    site: Site, path: str, origin: str | None
) -> None:
    await site.login()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await site.socket(path, origin)
    assert refused.value.status == 403


async def test_a_name_that_only_resolves_to_us_is_refused(site: Site) -> None:
    async with site.client.get(site.url + "/chat", headers={"Host": "evil.example"}) as answer:
        assert answer.status == 403


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/hosts"]
)
async def test_static_files_do_not_leave_their_folder(site: Site, path: str) -> None:
    async with site.client.get(URL(f"{site.url}/static/{path}", encoded=True)) as answer:
        assert answer.status in (403, 404)


async def test_the_log_keeps_out_what_people_put_into_urls(site: Site) -> None:
    with capture_logs() as lines:
        async with site.client.get(site.url + "/chat?t=secret-token"):
            pass
        async with site.client.get(site.url + "/secret-path"):
            pass
    assert [line["route"] for line in lines if line["event"] == "web.request"] == [
        "/chat", "unknown",
    ]  # fmt: skip
    assert "secret" not in str(lines)


# --- the console's door


async def test_login_gives_a_strict_cookie(site: Site) -> None:
    assert await site.login() == 303
    (cookie,) = list(site.client.cookie_jar)
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert cookie["path"] == "/console"
    ws = await site.socket("/console/ws")
    assert (await got(ws, "you"))["agent"] == "李娜"


async def test_the_console_is_closed_to_others(site: Site) -> None:
    async with site.client.get(site.url + "/console") as answer:
        assert "口令" in await answer.text()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await site.socket("/console/ws")
    assert refused.value.status == 401


async def test_a_form_of_another_site_is_refused(site: Site) -> None:
    assert await site.login(Origin="http://evil.example") == 403


async def test_login_is_throttled(site: Site) -> None:
    assert [await site.login(secret="wrong one") for _ in range(6)] == [403] * 5 + [429]
    assert await site.login() == 429


async def test_a_name_with_markup_is_not_echoed(site: Site) -> None:
    form = {"agent": "<script>alert(1)</script>", "secret": "x"}
    async with site.client.post(
        f"{site.url}/console/login", data=form, headers={"Origin": site.url}
    ) as answer:
        assert answer.status == 403
        assert "<script>alert" not in await answer.text()


async def test_a_huge_form_is_refused(site: Site) -> None:
    assert await site.login(secret="x" * 100_000) == 413


async def test_after_logging_out_the_open_socket_does_nothing_more(site: Site) -> None:
    await site.login()
    ws = await site.socket("/console/ws")
    await got(ws, "queue")
    async with site.client.post(f"{site.url}/console/logout", headers={"Origin": site.url}):
        pass
    await ws.send_json({"type": "look", "callback": "cb"})
    assert await close_code(ws) == aiohttp.WSCloseCode.POLICY_VIOLATION


# --- the chat's socket


async def test_the_token_opens_its_chat(site: Site) -> None:
    ws = await site.chat()
    history = await got(ws, "history")
    words = [bubble["text"] for bubble in history["messages"]]
    while len(words) < 3:
        words.append((await got(ws, "message"))["message"]["text"])
    assert words == [*OPENING, ITEMS["B3"]]


async def test_a_wrong_link_is_refused_in_words(site: Site) -> None:
    ws = await site.chat("no such token")
    assert (await got(ws, "refused"))["text"] == "链接无效或已过期。"
    assert await close_code(ws)


@pytest.mark.parametrize("first", ['{"type":"press","button":"yes"}', "nonsense", "[]"])
async def test_nobody_speaks_before_saying_hello(site: Site, first: str) -> None:
    ws = await site.socket("/chat/ws")
    await ws.send_str(first)
    assert await close_code(ws)
    assert not site.desk.chats


async def test_nonsense_is_answered_then_cut_off(site: Site) -> None:
    ws = await site.chat()
    await ws.send_str("{")
    assert "无法识别" in (await got(ws, "notice"))["text"]
    for _ in range(5):
        await ws.send_str('{"type":"text","text":""}')
    assert await close_code(ws) == aiohttp.WSCloseCode.POLICY_VIOLATION


async def test_an_over_long_message_ends_the_connection_not_the_chat(site: Site) -> None:
    ws = await site.chat()
    await ws.send_json({"type": "text", "text": "是" * 10_000})
    assert await close_code(ws) == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
    assert await got(await site.chat(), "history")


async def test_a_flood_of_frames_is_cut_off(site: Site) -> None:
    ws = await site.chat()
    for _ in range(1000):
        if ws.closed:
            break
        try:
            await ws.send_json({"type": "typing"})
        except ConnectionError:
            break
    assert await close_code(ws) == aiohttp.WSCloseCode.POLICY_VIOLATION


async def test_a_second_window_takes_over(site: Site) -> None:
    first = await site.chat()
    await got(first, "history")
    second = await site.chat()
    await got(second, "history")
    await got(first, "moved")
    assert await close_code(first) == aiohttp.WSCloseCode.OK


async def test_reading_aloud_takes_only_what_was_said(site: Site) -> None:
    ws = await site.chat()
    await got(ws, "history")
    await ws.send_json({"type": "speak", "seq": 1, "slow": True})
    while (message := await ws.receive(timeout=5)).type is not aiohttp.WSMsgType.BINARY:
        pass
    assert message.data == (1).to_bytes(4, "big") + tone()
    assert site.desk.spoken == [(OPENING[0], 0.85)]
    await ws.send_json({"type": "speak", "seq": 99})
    assert (await got(ws, "mute"))["seq"] == 99


@pytest.mark.parametrize("error", [HuifangError("voice is gone"), RuntimeError("王秀兰")])
async def test_without_a_voice_the_page_is_told(site: Site, error: Exception) -> None:
    site.desk.mute = error
    ws = await site.chat()
    await got(ws, "history")
    with capture_logs() as lines:
        await ws.send_json({"type": "speak", "seq": 1})
        assert "请直接阅读文字" in (await got(ws, "mute"))["text"]
    assert "王秀兰" not in str(lines)


# --- the console's socket


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OwnershipLost("the conversation has a new owner (generation 3, not 2)"), "其他同事接手"),
        (StoreUnavailable("the store cannot be used: database is locked"), "请重试"),
        (OwnershipLost("没有这次回访。"), "没有这次回访。"),
    ],
)
async def test_an_agent_is_told_in_chinese_what_went_wrong(
    error: Exception, told: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(callback: str, agent: str) -> Case:
        raise error

    monkeypatch.setattr(site.desk, "take", fails)
    await site.login()
    ws = await site.socket("/console/ws")
    await ws.send_json({"type": "take", "callback": "cb"})
    shown = (await got(ws, "error"))["text"]
    assert told in shown
    assert not re.search("[a-z]", shown)


async def test_two_agents_cannot_take_the_same_chat(site: Site) -> None:
    chat = await site.chat()
    await chat.send_json({"type": "press", "button": "human"})
    await site.login("李娜")
    first = await site.socket("/console/ws")
    await site.login("王强")
    second = await site.socket("/console/ws")
    for ws in (first, second):
        while not (queue := await got(ws, "queue"))["waiting"]:
            pass
        assert queue["waiting"][0]["reason"] == "客户要求转人工"
    callback = f"cb-{TOKEN}"
    await first.send_json({"type": "take", "callback": callback})
    assert (await got(first, "case"))["case"]["summary"]["owner"] == "李娜"
    await second.send_json({"type": "take", "callback": callback})
    assert "已由其他坐席接管" in (await got(second, "error"))["text"]
    await second.send_json({"type": "say", "callback": callback, "text": "您好"})
    assert (await got(second, "error"))["of"] == "say"


async def test_a_screen_that_stays_open_shows_nothing_more_after_the_session(site: Site) -> None:
    await site.login()
    ws = await site.socket("/console/ws")
    await got(ws, "queue")
    async with site.client.post(
        f"{site.url}/console/logout", headers={"Origin": site.url}, allow_redirects=False
    ):
        pass
    chat = await site.chat()
    await chat.send_json({"type": "press", "button": "human"})
    assert (await ws.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE


async def test_a_desk_that_fails_is_reported_without_details(site: Site) -> None:
    async def broken(callback: str, agent: str) -> None:
        raise RuntimeError("王秀兰 13800000000")

    site.desk.case = broken  # type: ignore[assignment, method-assign]
    await site.login()
    ws = await site.socket("/console/ws")
    with capture_logs() as lines:
        await ws.send_json({"type": "look", "callback": "cb"})
        assert (await got(ws, "error"))["text"] == "系统暂时无法完成，请重试。"
    assert "王秀兰" not in str(lines)


class Socket:
    """As much of one as is closed; `reads`: its page takes what it is sent."""

    def __init__(self, *, reads: bool) -> None:
        self.reads, self.closed = reads, False

    async def close(self, *, code: int, message: bytes) -> None:
        if not self.reads:
            await asyncio.Event().wait()
        self.closed = True


async def test_a_page_that_reads_nothing_keeps_no_other_from_being_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets, "CLOSED_WITHIN_S", 0.05)
    pages = [Socket(reads=False), Socket(reads=True), Socket(reads=False), Socket(reads=True)]
    app = cast(web.Application, {sockets.sockets: pages})
    await asyncio.wait_for(sockets.close_all(app), 2)
    assert [page.closed for page in pages] == [page.reads for page in pages]
