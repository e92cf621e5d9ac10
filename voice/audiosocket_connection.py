"""One peer of the AudioSocket server, from its first byte to its last."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol, cast
from uuid import UUID

from voice import audiosocket
from voice.audiosocket import CALLER_HUNG_UP, Bye, Decoder, Fault, Hello
from voice.frames import PHONE_RATE
from voice.media import Audio, Digit, Inbox, Media

AT_ONCE = 8192  # bytes; half a second of frames


@dataclass(frozen=True, slots=True)
class Limits:
    """What one peer, and all of them together, may take."""

    calls: int = 1000  # identified connections; fewer are wanted by `authorise`
    strangers: int = 64  # connections that have not said their UUID; the oldest goes first
    hello_s: float = 2.0  # Asterisk sends the UUID with the first packet
    idle_s: float = 60.0  # an open line without a byte from the peer; Asterisk sends 50 frames/s
    unread_frames: int = 100  # 2 s of our sound the peer has not read
    unheard: int = 500  # messages of the peer waiting for us; then it has to wait


class Server(Protocol):
    """Whom a peer belongs to until its UUID is known: `audiosocket_server.AudioSocketServer`."""

    limits: Limits

    def arrived(self, connection: AudioSocketConnection) -> None: ...

    def identified(self, connection: AudioSocketConnection) -> None: ...

    def left(self, connection: AudioSocketConnection) -> None: ...


class AudioSocketConnection(asyncio.Protocol):
    """One peer. Until its UUID is known it belongs to the server, then to the call.

    The loop reads it until somebody takes what was sent; from then on it is read at each `take`. To
    be woken for each frame of each call is a fifth of what a call costs."""

    rate = PHONE_RATE

    def __init__(self, server: Server) -> None:
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
