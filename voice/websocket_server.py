"""The wideband line: Asterisk's chan_websocket dials in to us, 16 kHz both ways.

The same to a `PhoneLine` as AudioSocket. Asterisk plays what it gets from a queue of its own, and
we send one frame every 20 ms, so that queue stays short and a barge-in loses nothing. Who may
connect is decided by the UUID in the address, as for AudioSocket.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import structlog
from aiohttp import WSMsgType, web

from voice.errors import LineError
from voice.media import Audio, Digit, Inbox, Media
from voice.websocket_media import (
    RATE,
    WIDEBAND,
    Begin,
    Flow,
    Marked,
    MediaSyntax,
    command,
    decode,
)

log = structlog.get_logger()

PROTOCOL = "media"  # of the WebSocket hand-shake
MAX_MESSAGE = 64 * 1024  # bytes
HELLO_S = 5.0  # for MEDIA_START
IDLE_S = 60.0  # without a frame of sound: the other side is gone
UNHEARD = 500  # messages waiting for us; older sound is dropped, keys never
UNSENT = 100  # frames (2 s) the peer has not taken
GOODBYE_S = 2.0  # for what is still on its way to a peer when the call is over


class WebSocketConnection:
    """One call; implements `voice.media.MediaConnection` at 16 kHz."""

    rate = RATE

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.closed_by = ""
        self.marks: set[str] = set()
        """Correlation ids of marks that were played."""
        self._socket = socket
        self._inbox = Inbox()
        self._outbox: deque[bytes | str] = deque()
        self._to_send = asyncio.Event()
        self._flowing = True
        self.lost_frames = 0  # not sent because Asterisk had no room

        self.take, self.ended = self._inbox.take, self._inbox.ended

    def __aiter__(self) -> AsyncIterator[Media]:
        return aiter(self._inbox)

    def send_frame(self, pcm: bytes) -> None:
        """One 20 ms frame of s16le 16 kHz."""
        if not pcm or len(pcm) % 2:
            raise ValueError("a frame is a whole number of samples, and not empty")
        if self.closed_by:
            return
        if not self._flowing:
            self.lost_frames += 1
        elif len(self._outbox) >= UNSENT:
            self._end("error: the exchange does not read")
        else:
            self._post(pcm)

    def mark(self, id: str) -> None:
        """Ask to be told (`marks`) when everything sent so far was played."""
        self._post(command("MARK_MEDIA", correlation_id=id))

    def flush(self) -> None:
        """Drop what Asterisk has not played yet."""
        self._post(command("FLUSH_MEDIA"))

    def close(self, reason: str = "closed") -> None:
        if not self.closed_by:
            self._post(command("HANGUP"))
            self._end(reason)

    # -- for the server

    async def run(self) -> None:
        """Carry messages both ways until either side ends the call."""
        sender = asyncio.create_task(self._send(), name="wideband sender")
        receiver = asyncio.create_task(self._receive(), name="wideband receiver")
        try:
            await asyncio.wait({sender, receiver}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sender, receiver):
                task.cancel()
            await asyncio.gather(sender, receiver, return_exceptions=True)
            self._end("caller")
            await self._socket.close()

    async def _send(self) -> None:
        """Ends once the call is closed and everything is out."""
        while True:
            while self._outbox:
                message = self._outbox.popleft()
                if isinstance(message, str):
                    await self._socket.send_str(message)
                else:
                    await self._socket.send_bytes(message)
            if self.closed_by:
                return
            self._to_send.clear()
            await self._to_send.wait()

    async def _receive(self) -> None:
        """Ends when the peer is gone, or silent for IDLE_S."""
        while True:
            try:
                message = await self._socket.receive(timeout=IDLE_S)
            except TimeoutError:
                self._end("error: nothing from the exchange")
                return
            if message.type is WSMsgType.BINARY:
                self._put(Audio(message.data[: len(message.data) & ~1]))
            elif message.type is WSMsgType.TEXT:
                self._control(message.data)
            else:
                self._end("caller")
                return

    def _control(self, text: str) -> None:
        try:
            control = decode(text)
        except MediaSyntax as error:
            log.warning("wideband.malformed", reason=str(error))
            return
        match control:
            case Digit():
                self._put(control)
            case Flow():
                self._flowing = control.open
            case Marked():
                self.marks.add(control.mark)
            case _:
                pass

    def _put(self, message: Media) -> None:
        if len(self._inbox) >= UNHEARD and isinstance(message, Audio):
            return
        if not (isinstance(message, Audio) and not message.pcm):
            self._inbox.put(message)

    def _post(self, message: bytes | str) -> None:
        self._outbox.append(message)
        self._to_send.set()

    def _end(self, reason: str) -> None:
        self.closed_by = self.closed_by or reason
        self._inbox.end()
        self._to_send.set()


class WebSocketServer:
    """Accepts calls the application knows of and runs `on_call(uuid, connection)` for each."""

    def __init__(
        self,
        authorise: Callable[[str], bool],
        on_call: Callable[[str, WebSocketConnection], Awaitable[None]],
        *,
        host: str = "127.0.0.1",
        port: int = 9094,
    ) -> None:
        self.refused = 0
        self._authorise, self._on_call = authorise, on_call
        self._host, self._port = host, port
        self._runner: web.AppRunner | None = None
        self._live: set[WebSocketConnection] = set()

    @property
    def port(self) -> int:
        return int(self._runner.addresses[0][1]) if self._runner else self._port

    async def start(self) -> None:
        """Raises LineError if the port is taken or the address is not ours."""
        app = web.Application()
        app.router.add_get("/media", self._accept)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            self._runner = None
            raise LineError(
                f"the wideband line cannot listen on {self._host}:{self._port}: {error.strerror}; "
                "stop the program that uses the port or choose another"
            ) from error

    async def close(self) -> None:
        for connection in tuple(self._live):
            connection.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _accept(self, request: web.Request) -> web.StreamResponse:
        uuid = request.query.get("uuid", "").lower()
        if not self._authorise(uuid):
            self.refused += 1
            log.warning("wideband.refused", reason="unknown UUID")
            return web.Response(status=403)
        socket = web.WebSocketResponse(
            protocols=(PROTOCOL,), max_msg_size=MAX_MESSAGE, heartbeat=None
        )
        await socket.prepare(request)
        connection = WebSocketConnection(socket)
        # It took its time to begin: the exchange may have given it up, or connected it once more.
        if not await self._begun(socket) or not self._authorise(uuid):
            self.refused += 1
            await socket.close()
            return socket
        self._live.add(connection)
        carrying = asyncio.create_task(connection.run(), name=f"wideband {uuid}")
        try:
            await self._on_call(uuid, connection)
        except Exception:
            log.exception("wideband.call_failed", uuid=uuid)
        finally:
            connection.close()
            await asyncio.wait({carrying}, timeout=GOODBYE_S)
            if not carrying.done() and request.transport is not None:
                request.transport.abort()  # it does not read, or it would wait for ever
            await carrying
            self._live.discard(connection)
        return socket

    async def _begun(self, socket: web.WebSocketResponse) -> bool:
        """The first event must be MEDIA_START with the form of sound we asked for."""
        try:
            message: Any = await socket.receive(timeout=HELLO_S)
            begin = decode(message.data) if message.type is WSMsgType.TEXT else None
        except (TimeoutError, MediaSyntax) as error:
            log.warning("wideband.refused", reason=str(error) or "no MEDIA_START")
            return False
        if not isinstance(begin, Begin) or begin.format != WIDEBAND:
            log.warning("wideband.refused", reason="dial with c(slin16)f(json)")
            return False
        return True
