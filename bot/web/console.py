"""The agents' console: log in, and a WebSocket that shows the queue and works on cases."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import aclosing, suppress
from html import escape

import structlog
from aiohttp import WSCloseCode, web

from bot.errors import HuifangError, OwnershipLost
from bot.web import wire
from bot.web.auth import SESSION_S, Doorkeeper, LoginRefused
from bot.web.desk import Changed, Desk
from bot.web.sockets import BAD_MESSAGES, Outbox, accept, texts

log = structlog.get_logger()

COOKIE = "huifang_console"
FAILED = "系统暂时无法完成，请重试。"
TAKEN = "这个会话已由其他同事接手，或已结束。"
_HAN = re.compile("[\u4e00-\u9fff]")


class Console:
    """GET and POST under /console. `login_page` has one place {{error}} for a message."""

    def __init__(
        self, desk: Desk, doorkeeper: Doorkeeper, *, page: str, login_page: str, https: bool
    ) -> None:
        self._desk = desk
        self._doorkeeper = doorkeeper
        self._page = page
        self._login_page = login_page
        self._https = https

    async def page(self, request: web.Request) -> web.Response:
        """GET /console: the console, or the way in."""
        if self._agent(request) is None:
            return self._login_form("")
        return web.Response(text=self._page, content_type="text/html")

    async def login(self, request: web.Request) -> web.Response:
        """POST /console/login: agent, secret."""
        form = await request.post()
        try:
            session = self._doorkeeper.login(
                str(form.get("agent", "")), str(form.get("secret", "")), _now()
            )
        except LoginRefused as error:
            log.warning("console.login_refused", throttled=error.throttled)
            return self._login_form(str(error), status=429 if error.throttled else 403)
        response = web.Response(status=303, headers={"Location": "/console"})
        response.set_cookie(
            COOKIE, session, path="/console", max_age=int(SESSION_S), httponly=True,
            samesite="Strict", secure=self._https,
        )  # fmt: skip
        return response

    async def logout(self, request: web.Request) -> web.Response:
        """POST /console/logout."""
        self._doorkeeper.logout(request.cookies.get(COOKIE))
        response = web.Response(status=303, headers={"Location": "/console"})
        response.del_cookie(COOKIE, path="/console")
        return response

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """GET /console/ws."""
        agent = self._agent(request)
        if agent is None:
            raise web.HTTPUnauthorized(text="请先登录。")
        ws = await accept(request)
        outbox = Outbox(ws)
        screen = _Screen(self._desk, agent, outbox, lambda: self._agent(request) is not None)
        tasks = [asyncio.create_task(outbox.run()), asyncio.create_task(screen.follow())]
        bad = 0
        try:
            async for raw in texts(ws):
                if self._agent(request) is None or bad >= BAD_MESSAGES:
                    await ws.close(code=WSCloseCode.POLICY_VIOLATION, message=b"refused")
                    break
                try:
                    await screen.do(wire.parse_console(raw))
                except wire.BadMessage as error:
                    bad += 1
                    log.warning("console.bad_message", reason=str(error))
                    outbox.send(wire.encode("error", of="", text="无法识别的操作。"))
        finally:
            for task in tasks:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks, return_exceptions=True)
        return ws

    def _agent(self, request: web.Request) -> str | None:
        return self._doorkeeper.agent(request.cookies.get(COOKIE), _now())

    def _login_form(self, error: str, status: int = 200) -> web.Response:
        text = self._login_page.replace("{{error}}", escape(error))
        return web.Response(text=text, content_type="text/html", status=status)


class _Screen:
    """One agent's open console: what it shows is read anew from the desk at every change."""

    def __init__(
        self, desk: Desk, agent: str, outbox: Outbox, logged_in: Callable[[], bool]
    ) -> None:
        self._desk, self._logged_in = desk, logged_in
        self._agent = agent
        self._outbox = outbox
        self._looking_at: str | None = None

    async def follow(self) -> None:
        """Keep the screen up to date. A failure ends the connection; the page comes back."""
        self._outbox.send(wire.encode("you", agent=self._agent))
        try:
            async with aclosing(self._desk.watch()) as changes:
                async for change in changes:
                    if not self._logged_in():  # in another tab, or the shift is over
                        self._outbox.close("logged out")
                        return
                    await self._update(change)
        except Exception as error:
            log.error("console.lost_track", error=type(error).__name__)
            self._outbox.close("failed")

    async def do(self, command: wire.ConsoleMessage) -> None:
        """Carry out a command; the page is told of success or of what went wrong."""
        try:
            await self._carry_out(command)
        except HuifangError as error:
            log.info("console.refused", command=command.type, error=type(error).__name__)
            self._outbox.send(wire.encode("error", of=command.type, text=_told(error)))
        except Exception as error:
            log.error("console.failed", command=command.type, error=type(error).__name__)
            self._outbox.send(wire.encode("error", of=command.type, text=FAILED))
        else:
            self._outbox.send(wire.encode("done", of=command.type, callback=command.callback))

    async def _carry_out(self, command: wire.ConsoleMessage) -> None:
        callback, agent = command.callback, self._agent
        match command:
            case wire.Take():
                self._show(await self._desk.take(callback, agent))
                self._looking_at = callback
            case wire.Look():
                self._show(await self._desk.look(callback, agent))
                self._looking_at = callback
            case wire.AgentSay(text=text):
                if words := wire.plain(text):
                    await self._desk.agent_say(callback, agent, words)
            case wire.GiveBack():
                await self._desk.give_back(callback, agent)
                self._let_go(callback)
            case wire.End():
                await self._desk.end(callback, agent)
                self._let_go(callback)

    def _let_go(self, callback: str) -> None:
        if self._looking_at == callback:
            self._looking_at = None

    async def _update(self, change: Changed) -> None:
        if change.callback is None:
            waiting = list(await self._desk.waiting())
            mine = list(await self._desk.held_by(self._agent))
            self._outbox.send(wire.encode("queue", waiting=waiting, mine=mine))
        elif change.callback == self._looking_at:
            try:
                self._show(await self._desk.case(change.callback, self._agent))
            except HuifangError:
                self._let_go(change.callback)
                self._outbox.send(wire.encode("gone", callback=change.callback))

    def _show(self, case: object) -> None:
        self._outbox.send(wire.encode("case", case=case))


def _told(error: HuifangError) -> str:
    """In an agent's words: those of the store are for the log."""
    text = str(error)
    if _HAN.search(text):
        return text
    return TAKEN if isinstance(error, OwnershipLost) else FAILED


def _now() -> float:
    return asyncio.get_running_loop().time()
