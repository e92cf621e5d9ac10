"""One connection to the Asterisk Manager Interface that is always there again.

Reconnects with back-off; `up` says whether it may be used. Actions are answered or fail within
their time: nobody waits for a manager that is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from voice.ami import AmiSyntax, Decoder, Message, challenge_key, encode
from voice.errors import VoiceError

log = structlog.get_logger()

ACTION_S = 2.0  # an action the manager has not answered by then has failed
LOGIN_S = 5.0
PING_EVERY_S = 10.0  # a connection that is dead without saying so is noticed after two of them
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # between attempts; the last one repeats
MAX_LIST = 10_000  # events of one list answer


class AmiUnavailable(VoiceError):
    """The manager is not there, or did not answer in time."""

    retryable = True


class AmiRefused(VoiceError):
    """The manager refused the login or an action; the message is its own."""


class AmiClient:
    """`on_event` is called for every event, `on_up` after every login (to find out what happened
    meanwhile). Neither may block."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        user: str,
        secret: str,
        on_event: Callable[[Message], None] = lambda _: None,
        on_up: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.version = ""
        self.refusal = ""  # why the last attempt did not succeed; empty while up
        self._host, self._port = host, port
        self._user, self._secret = user, secret
        self._on_event, self._on_up = on_event, on_up
        self._writer: asyncio.StreamWriter | None = None
        self._ids = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        self._lists: dict[str, list[Message]] = {}
        self._ready = asyncio.Event()
        self._steady = False  # up, and `on_up` has done its work: no longer an attempt
        self._task: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        return self._ready.is_set()

    async def __aenter__(self) -> AmiClient:
        self._task = asyncio.create_task(self._stay_connected(), name="ami")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def wait_up(self, timeout_s: float) -> bool:
        """Wait for the login. False if it did not come."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), timeout_s)
        return self.up

    async def action(
        self, name: str, timeout_s: float = ACTION_S, **fields: str | list[str]
    ) -> Message:
        """Do one action and return its response. Raises AmiRefused with the manager's message, or
        AmiUnavailable when there is no answer."""
        if not self.up:
            raise AmiUnavailable("the connection to the Asterisk manager is down")
        return await self._ask(name, timeout_s, fields)

    async def listing(self, name: str, timeout_s: float = ACTION_S, **fields: str) -> list[Message]:
        """Do an action that answers with a list of events (e.g. CoreShowChannels)."""
        async with self._collected() as (action_id, collected):
            await self._ask(name, timeout_s, {**fields, "ActionID": action_id})
            done = self._waiting[action_id] = asyncio.get_running_loop().create_future()
            if not any(_ends_list(message) for message in collected):
                await self._within(done, timeout_s)
            return [m for m in collected if not _ends_list(m)]

    # -- inside

    async def _ask(
        self, name: str, timeout_s: float, fields: dict[str, str | list[str]]
    ) -> Message:
        given = fields.get("ActionID")
        action_id = given if isinstance(given, str) else f"huifang-{next(self._ids)}"
        answer = self._waiting[action_id] = asyncio.get_running_loop().create_future()
        try:
            self._send(encode(name, {**fields, "ActionID": action_id}))
            response = await self._within(answer, timeout_s)
        finally:
            self._waiting.pop(action_id, None)
        if not response.ok:
            raise AmiRefused(f"Asterisk refused {name}: {response.get('Message', 'no reason')}")
        return response

    async def _within(self, answer: asyncio.Future[Message], timeout_s: float) -> Message:
        try:
            return await asyncio.wait_for(answer, timeout_s)
        except TimeoutError:
            raise AmiUnavailable("the Asterisk manager did not answer in time") from None

    def _send(self, data: bytes) -> None:
        if self._writer is None:
            raise AmiUnavailable("the connection to the Asterisk manager is down")
        self._writer.write(data)

    async def _stay_connected(self) -> None:
        attempt = 0
        while True:
            self._steady = False
            try:
                await self._connection()
            except Exception as error:  # a fault of ours, too: dialling would be over for good
                usual = isinstance(error, AmiUnavailable | AmiRefused | AmiSyntax | OSError)
                attempt = 0 if self._steady and usual else attempt  # begin anew, at once
                if not usual:
                    log.exception("ami.broken")
                elif not self.refusal or attempt == 0:
                    log.warning("ami.down", error=type(error).__name__, reason=str(error))
                self.refusal = str(error)
            finally:
                self._drop()
            await asyncio.sleep(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
            attempt += 1

    async def _connection(self) -> None:
        """One connection from its greeting to its end, which is always an error."""
        try:
            reader, self._writer = await asyncio.wait_for(
                asyncio.open_connection(self._host, self._port), LOGIN_S
            )
        except TimeoutError as error:
            raise AmiUnavailable(f"no answer from {self._host}:{self._port}") from error
        except OSError as error:
            where = f"{self._host}:{self._port}"
            raise AmiUnavailable(f"nobody listens at {where}: {error.strerror}") from error
        reading = asyncio.create_task(self._read(reader), name="ami reader")
        working = asyncio.create_task(self._work(), name="ami session")
        try:
            await asyncio.wait({reading, working}, return_when=asyncio.FIRST_COMPLETED)
            for task in (working, reading):  # a refused login says more than the close behind it
                if task.done():
                    task.result()
        finally:
            for task in (reading, working):
                task.cancel()
            await asyncio.gather(reading, working, return_exceptions=True)

    async def _work(self) -> None:
        """Log in, say so, and see that the other side lives."""
        answer = await self._ask("Challenge", LOGIN_S, {"AuthType": "MD5"})
        key = challenge_key(answer.get("Challenge"), self._secret)
        login: dict[str, str | list[str]] = {"AuthType": "MD5", "Username": self._user, "Key": key}
        await self._ask("Login", LOGIN_S, login)
        self._ready.set()
        self.refusal = ""
        log.info("ami.up", version=self.version)
        if self._on_up is not None:
            await self._on_up()
        self._steady = True
        while True:
            await asyncio.sleep(PING_EVERY_S)
            await self._ask("Ping", PING_EVERY_S, {})

    async def _read(self, reader: asyncio.StreamReader) -> None:
        decoder = Decoder()
        while data := await reader.read(65536):
            for message in decoder.feed(data):
                self._take(message)
            self.version = decoder.greeting.rpartition("/")[2]
        raise AmiUnavailable("the Asterisk manager closed the connection")

    def _take(self, message: Message) -> None:
        action_id = message.get("ActionID")
        if message.event and action_id in self._lists:
            collected = self._lists[action_id]
            if len(collected) < MAX_LIST:
                collected.append(message)
            if _ends_list(message):
                self._answer(action_id, message)
        elif message.event:
            try:
                self._on_event(message)
            except Exception:  # one bad event may not cost us the connection
                log.exception("ami.event_failed", name=message.event)
        else:
            self._answer(action_id, message)

    def _answer(self, action_id: str, message: Message) -> None:
        future = self._waiting.get(action_id)
        if future is not None and not future.done():
            future.set_result(message)

    @asynccontextmanager
    async def _collected(self) -> AsyncIterator[tuple[str, list[Message]]]:
        action_id = f"huifang-list-{next(self._ids)}"
        self._lists[action_id] = []
        try:
            yield action_id, self._lists[action_id]
        finally:
            del self._lists[action_id]
            self._waiting.pop(action_id, None)

    def _drop(self) -> None:
        self._ready.clear()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(AmiUnavailable("the connection to the manager was lost"))


def _ends_list(message: Message) -> bool:
    return message.get("EventList") in {"Complete", "cancelled"}
