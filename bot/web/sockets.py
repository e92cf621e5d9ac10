"""One WebSocket with a bounded outbox, so that whoever speaks to it never waits for the network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from weakref import WeakSet

from aiohttp import WSCloseCode, WSMsgType, web

from bot.web import wire
from bot.web.limits import Bucket

MAX_SOCKETS = 2000
OUTBOX = 500  # messages; a page that lets more pile up is cut off and reconnects
HEARTBEAT_S = 20.0
FRAMES_PER_S, FRAME_BURST = 20.0, 100  # a page sends two or three a message
BAD_MESSAGES = 5  # then the socket is closed
CLOSED_WITHIN_S = 3.0  # at shutdown; a page answers the closing frame at once, or reads nothing


class Sockets(WeakSet[web.WebSocketResponse]):
    """All that are open."""


sockets = web.AppKey("sockets", Sockets)


async def accept(request: web.Request) -> web.WebSocketResponse:
    """Complete the handshake. Raises HTTPServiceUnavailable when too many are open."""
    if len(request.app[sockets]) >= MAX_SOCKETS:
        raise web.HTTPServiceUnavailable(text="当前使用人数较多，请稍后再试。")
    ws = web.WebSocketResponse(
        heartbeat=HEARTBEAT_S, max_msg_size=wire.MAX_MESSAGE, timeout=2.0, compress=False
    )
    await ws.prepare(request)
    request.app[sockets].add(ws)
    return ws


async def close_all(app: web.Application) -> None:
    """At shutdown: pages reconnect when we are back. None waits for another."""
    going = WSCloseCode.GOING_AWAY
    closing = [asyncio.create_task(ws.close(code=going, message=b"restart")) for ws in app[sockets]]
    if closing:
        _, stuck = await asyncio.wait(closing, timeout=CLOSED_WITHIN_S)
        for task in stuck:  # which cuts the connection
            task.cancel()
        await asyncio.gather(*closing, return_exceptions=True)


async def texts(ws: web.WebSocketResponse) -> AsyncIterator[str]:
    """The socket's text messages until it closes; binary ones and floods close it."""
    bucket = Bucket(FRAMES_PER_S, FRAME_BURST)
    loop = asyncio.get_running_loop()
    async for message in ws:
        if message.type is not WSMsgType.TEXT or not bucket.allows(loop.time()):
            await ws.close(code=WSCloseCode.POLICY_VIOLATION, message=b"refused")
            return
        yield message.data


class Outbox:
    """Sends in order, in the background (`run`)."""

    def __init__(self, ws: web.WebSocketResponse) -> None:
        self._ws = ws
        self._queue: asyncio.Queue[str | bytes | None] = asyncio.Queue(OUTBOX)
        self._reason = ""

    def send(self, message: str | bytes) -> None:
        if self._reason:
            return
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            while not self._queue.empty():
                self._queue.get_nowait()
            self.close("too slow")

    def close(self, reason: str) -> None:
        """Close once everything before was sent."""
        if not self._reason:
            self._reason = reason
            with suppress(asyncio.QueueFull):  # full: `run` sees the reason after the next message
                self._queue.put_nowait(None)

    async def run(self) -> None:
        """Send until closed; returns when the other side is gone."""
        with suppress(ConnectionError):
            while True:
                message = await self._queue.get()
                if isinstance(message, str):
                    await self._ws.send_str(message)
                elif message is not None:
                    await self._ws.send_bytes(message)
                if self._reason and self._queue.empty():
                    break
        await self._ws.close(code=WSCloseCode.OK, message=self._reason.encode())
