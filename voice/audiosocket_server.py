"""The AudioSocket server: who may speak, and what happens to peers that misbehave.

A peer that only opens, sends nothing, never reads or is unknown costs a few kilobytes for a bounded
time and is dropped; the running calls do not notice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from voice.audiosocket_connection import AudioSocketConnection, Limits
from voice.errors import LineError

log = structlog.get_logger()

OnCall = Callable[[str, AudioSocketConnection], Awaitable[None]]


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
