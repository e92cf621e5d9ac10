"""The AudioSocket server: who may speak, and what happens to peers that misbehave.

A peer that only opens, sends nothing, never reads or is unknown costs a few kilobytes for a bounded
time and is dropped; the running calls do not notice.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import structlog

from voice import audiosocket
from voice.audiosocket import CALLER_HUNG_UP, Bye, Decoder, Fault, Hello
from voice.errors import LineError
from voice.frames import PHONE_RATE
from voice.media import Audio, Digit, Inbox, Media

log = structlog.get_logger()

AT_ONCE = 8192  # bytes; half a second of frames

OnCall = Callable[[str, "AudioSocketConnection"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one peer, and all of them together, may take."""

    calls: int = 1000  # identified connections; fewer are wanted by `authorise`
    strangers: int = 64  # connections that have not said their UUID; the oldest goes first
    hello_s: float = 2.0  # Asterisk sends the UUID with the first packet
    idle_s: float = 60.0  # an open line without a byte from the peer; Asterisk sends 50 frames/s
    unread_frames: int = 100  # 2 s of our sound the peer has not read
    unheard: int = 500  # messages of the peer waiting for us; then it has to wait


class AudioSocketConnection(asyncio.Protocol):
    """One peer. Until its UUID is known it belongs to the server, then to the call.

    The loop reads it until somebody takes what was sent; from then on it is read at each `take`. To
    be woken for each frame of each call is a fifth of what a call costs."""

    rate = PHONE_RATE

    def __init__(self, server: AudioSocketServer) -> None:
        self.uuid: UUID | None = None
        self.closed_by = ""
        self.decoder = Decoder()
        self._server = server
        self._limits = server.limits
        self._transport: asyncio.Transport | None = None
        self._inbox = Inbox()
        self._waiting = False  # the peer has to
        self._taken: socket.socket | None = None  # the same connection, read without the loop
        self._heard_at = 0.0  # loop time of the last bytes
        self._watchdog: asyncio.TimerHandle | None = None
        self._unread_bytes = self._limits.unread_frames * (3 + self.rate // 50 * 2)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        sock: socket.socket = transport.get_extra_info("socket")
        # What waits in the kernel is as lost to a barge-in as what waits here: keep it short.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
        loop = asyncio.get_running_loop()
        self._heard_at = loop.time()
        self._watchdog = loop.call_later(self._limits.hello_s, self._watch)
        self._server.arrived(self)

    def data_received(self, data: bytes) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        for message in self.decoder.feed(data):
            if self.closed_by:
                return
            self._take(message)
        if len(self._inbox) >= self._limits.unheard and self._transport is not None:
            self._transport.pause_reading()
            self._waiting = True

    def connection_lost(self, _exc: Exception | None) -> None:
        # A reset means no more than an end of file: Asterisk closes with our last frames unread.
        self._end("caller")
        if self._taken is not None:
            self._taken.close()
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._server.left(self)

    def send_frame(self, pcm: bytes) -> None:
        """Raises ValueError for an empty frame or half a sample, see `audiosocket.encode_audio`."""
        message = audiosocket.encode_audio(pcm)
        if self._transport is None or self.closed_by:
            return
        if self._transport.get_write_buffer_size() > self._unread_bytes:
            self.abort("error: the exchange does not read")
            return
        self._transport.write(message)

    def close(self, reason: str = "closed") -> None:
        """Say goodbye, send what is still on its way, hang up."""
        if self.closed_by or self._transport is None:
            return
        self._transport.write(audiosocket.HANGUP)
        self._leave(reason)

    def abort(self, reason: str) -> None:
        """Drop the connection now."""
        self._end(reason)
        if self._transport is not None:
            self._transport.abort()

    def take(self) -> list[Media]:
        if not self.closed_by and self._transport is not None:
            self._read(self._transport)
        return self._inbox.take()

    async def ended(self) -> None:
        await self._inbox.ended()

    async def __aiter__(self) -> AsyncIterator[Media]:
        async for message in self._inbox:
            self._read_on()
            yield message

    def _read(self, transport: asyncio.Transport) -> None:
        """What came since, as far as it fits; the rest next time."""
        if self._taken is None:
            transport.pause_reading()
            sock: socket.socket = transport.get_extra_info("socket")
            self._taken = socket.socket(fileno=os.dup(sock.fileno()))
        try:
            data = self._taken.recv(AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.data_received(data)
        else:
            transport.abort()

    def _read_on(self) -> None:
        if self._waiting and self._transport is not None and not len(self._inbox):
            self._waiting = False
            self._transport.resume_reading()

    def _take(self, message: audiosocket.Message) -> None:
        if isinstance(message, Bye) or message == Fault(CALLER_HUNG_UP):
            self._leave("caller")
        elif isinstance(message, Fault):
            self._leave(f"error: the exchange reports {message.code}")
        elif self.uuid is None:
            if isinstance(message, Hello):
                self.uuid = message.uuid
                self._server.identified(self)
            else:
                self.abort("error: sound before the UUID")
        elif isinstance(message, Audio | Digit):
            self._inbox.put(message)

    def _leave(self, reason: str) -> None:
        """Close once everything written has gone out."""
        self._end(reason)
        if self._transport is not None:
            self._transport.close()
            # A peer that does not read would keep the connection open for ever.
            asyncio.get_running_loop().call_later(self._limits.hello_s, self._transport.abort)

    def _end(self, reason: str) -> None:
        self.closed_by = self.closed_by or reason
        self._inbox.end()

    def _watch(self) -> None:
        """Drop a peer without a UUID or without a sign of life."""
        loop = asyncio.get_running_loop()
        if self.uuid is None:
            self.abort("error: no UUID in time")
        elif (left := self._heard_at + self._limits.idle_s - loop.time()) <= 0:
            self.abort("error: nothing from the exchange")
        else:
            self._watchdog = loop.call_later(left, self._watch)


class AudioSocketServer:
    """Accepts calls the application knows of and runs `on_call(uuid, connection)` for each.

    The connection is closed when `on_call` returns or raises."""

    def __init__(
        self,
        authorise: Callable[[str], bool],
        on_call: OnCall,
        *,
        host: str = "127.0.0.1",
        port: int = 9092,
        limits: Limits | None = None,
    ) -> None:
        """`authorise(uuid)`: is this a call of ours? `port` 0 takes any free one."""
        self.limits = limits or Limits()
        self.refused = 0  # connections dropped before they became calls
        self._authorise = authorise
        self._on_call = on_call
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._strangers: dict[AudioSocketConnection, None] = {}  # oldest first
        self._calls: dict[UUID, AudioSocketConnection] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port we listen on; the wanted one before `start`."""
        if self._server is not None and self._server.sockets:
            return int(self._server.sockets[0].getsockname()[1])
        return self._port

    @property
    def calls(self) -> int:
        return len(self._calls)

    async def start(self) -> None:
        """Raises LineError if the port is taken or the address is not ours."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: AudioSocketConnection(self), self._host, self._port, backlog=512
            )
        except OSError as error:
            raise LineError(
                f"AudioSocket cannot listen on {self._host}:{self._port}: {error.strerror}; "
                "stop the program that uses the port or choose another"
            ) from error
        log.info("audiosocket.listening", host=self._host, port=self.port)

    async def close(self, grace_s: float = 5.0) -> None:
        """Stop listening and hang up every call. An `on_call` that has not ended after `grace_s` is
        cancelled."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for connection in (*self._strangers, *self._calls.values()):
            connection.close()
        if self._tasks:
            _, stuck = await asyncio.wait(self._tasks, timeout=grace_s)
            for task in stuck:
                task.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)

    def arrived(self, connection: AudioSocketConnection) -> None:
        """A stranger opened a connection."""
        self._strangers[connection] = None
        if len(self._strangers) > self.limits.strangers:
            self._refuse(next(iter(self._strangers)), "too many connections without a UUID")

    def identified(self, connection: AudioSocketConnection) -> None:
        """A stranger said its UUID: begin the call or drop it."""
        self._strangers.pop(connection, None)
        uuid = connection.uuid
        assert uuid is not None
        if len(self._calls) >= self.limits.calls:
            self._refuse(connection, "too many calls")
        elif uuid in self._calls:
            self._refuse(connection, "this call is connected already")
        elif not self._authorise(str(uuid)):
            self._refuse(connection, "unknown UUID")
        else:
            self._calls[uuid] = connection
            task = asyncio.create_task(self._run(str(uuid), connection), name=f"call {uuid}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def left(self, connection: AudioSocketConnection) -> None:
        """The connection is gone."""
        if connection in self._strangers:
            del self._strangers[connection]
            self.refused += 1
            log.info("audiosocket.refused", reason=connection.closed_by)

    def _refuse(self, connection: AudioSocketConnection, reason: str) -> None:
        self._strangers.pop(connection, None)
        self.refused += 1
        log.warning("audiosocket.refused", reason=reason)
        connection.abort(f"error: {reason}")

    async def _run(self, uuid: str, connection: AudioSocketConnection) -> None:
        log.info("audiosocket.call", uuid=uuid, calls=len(self._calls))
        try:
            await self._on_call(uuid, connection)
        except Exception:
            log.exception("audiosocket.call_failed", uuid=uuid)
        finally:
            connection.close()
            self._calls.pop(UUID(uuid), None)
            log.info(
                "audiosocket.ended",
                uuid=uuid,
                by=connection.closed_by,
                unknown=connection.decoder.unknown,
                malformed=connection.decoder.malformed,
            )
