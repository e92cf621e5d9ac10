"""The exchange's questions over HTTP, on loopback: who is calling, and what to do after the bot.

The dialplan asks with CURL() and takes the plain-text answer; anything but `transfer` or `hangup`,
an error page included, sends the caller to the human queue. So any doubt is answered with nothing.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol
from uuid import UUID

import structlog
from aiohttp import web

from bot import metrics
from bot.metrics import Metrics

log = structlog.get_logger()

_NUMBER: Final = re.compile(r"\+?[0-9*#]{1,24}")


class Exchange(Protocol):
    """What the telephone exchange may ask the application."""

    async def incoming(self, uuid: str, caller: str) -> str:
        """A call is about to be connected. `caller` is its number, empty if withheld or not a
        number. The answer is kept by the dialplan as KNOWN."""

    async def next(self, uuid: str) -> str:
        """What happens to a call the bot has left: `transfer`, `hangup`, or nothing, which means
        the human queue; nothing too for a call it does not know."""

    async def back(self, uuid: str) -> str:
        """No human took the call in time: `known` when the bot takes it back, else nothing."""

    async def health(self) -> Mapping[str, object]:
        """How the parts are: numbers, words, and `ok` where something is not. Nothing personal."""


class Telephony:
    """The handlers around one exchange."""

    def __init__(self, exchange: Exchange, figures: Metrics) -> None:
        self._exchange, self._figures = exchange, figures

    async def incoming(self, request: web.Request) -> web.Response:
        given = request.query.get("caller", "").strip()
        number = given if _NUMBER.fullmatch(given) else ""
        return await _asked("incoming", request, lambda uuid: self._exchange.incoming(uuid, number))

    async def next(self, request: web.Request) -> web.Response:
        async def ask(uuid: str) -> str:
            action = await self._exchange.next(uuid)
            log.info("telephony.next", uuid=uuid, action=action)
            return action

        return await _asked("next", request, ask)

    async def back(self, request: web.Request) -> web.Response:
        return await _asked("back", request, self._exchange.back)

    async def health(self, _request: web.Request) -> web.Response:
        health = await self._exchange.health()
        return web.json_response(dict(health), status=200 if health.get("ok", True) else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._figures.text(), headers={"Content-Type": metrics.TEXT})


def make_app(exchange: Exchange, figures: Metrics) -> web.Application:
    """The application to be served on loopback only."""
    telephony = Telephony(exchange, figures)
    app = web.Application(client_max_size=1)  # nothing is ever posted
    app.router.add_get("/telephony/incoming", telephony.incoming)
    app.router.add_get("/telephony/next", telephony.next)
    app.router.add_get("/telephony/back", telephony.back)
    app.router.add_get("/health", telephony.health)
    app.router.add_get("/metrics", telephony.metrics)
    return app


def make_runner(app: web.Application) -> web.AppRunner:
    """A runner without an access log: URLs may hold callers' numbers or the tokens of links."""
    return web.AppRunner(app, access_log=None)


async def _asked(
    question: str, request: web.Request, ask: Callable[[str], Awaitable[str]]
) -> web.Response:
    """The answer to a question about one call; nothing to one that is no question, or fails."""
    uuid = _uuid(request)
    if uuid is None:
        return _nothing(400)
    try:
        return web.Response(text=await ask(uuid))
    except Exception:
        log.exception(f"telephony.{question}_failed", uuid=uuid)
        return _nothing(503)


def _uuid(request: web.Request) -> str | None:
    """The call's UUID in canonical form; None for anything that is not exactly one."""
    given = request.query.get("uuid", "")
    try:
        uuid = str(UUID(given))
    except ValueError:
        return None
    return uuid if uuid == given.lower() else None


def _nothing(status: int) -> web.Response:
    """An answer the dialplan takes for the human queue."""
    return web.Response(status=status, text="")
