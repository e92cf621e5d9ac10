"""The server against peers that misbehave, over real TCP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from uuid import UUID, uuid4

import pytest
from annotated_types import Le

from bot.settings import Settings
from tests.unit.phone_parts import serving, tone
from voice import audiosocket as codec
from voice.audiosocket_connection import AudioSocketConnection, Limits
from voice.audiosocket_server import AudioSocketServer
from voice.errors import LineError
from voice.frames import SILENCE
from voice.media import Audio, Digit, Media

QUICK = Limits(calls=3, strangers=8, hello_s=0.15, idle_s=0.3, unread_frames=20)


class Calls:
    """Notes what arrives in each call."""

    def __init__(self) -> None:
        self.heard: dict[str, list[Media]] = {}
        self.ended: dict[str, str] = {}
        self.open: dict[str, AudioSocketConnection] = {}

    async def __call__(self, uuid: str, connection: AudioSocketConnection) -> None:
        self.open[uuid] = connection
        await self._hear(connection, self.heard.setdefault(uuid, []))
        self.ended[uuid] = connection.closed_by

    async def _hear(self, connection: AudioSocketConnection, heard: list[Media]) -> None:
        async for message in connection:
            heard.append(message)


class TakingCalls(Calls):
    """Takes it at its own beat, as a line does."""

    async def _hear(self, connection: AudioSocketConnection, heard: list[Media]) -> None:
        while not connection.closed_by:
            heard += connection.take()
            await asyncio.sleep(0.005)


@pytest.fixture(params=[Calls, TakingCalls])
def calls(request: pytest.FixtureRequest) -> Calls:
    kind: type[Calls] = request.param
    return kind()


async def dial(
    server: AudioSocketServer, uuid: UUID | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str]:
    """Connect and say a UUID, a new one if none is given."""
    uuid = uuid or uuid4()
    reader, writer = await connect(server)
    writer.write(codec.encode_hello(uuid))
    return reader, writer, str(uuid)


async def connect(
    server: AudioSocketServer,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect and say nothing."""
    return await asyncio.open_connection("127.0.0.1", server.port)


async def dropped(reader: asyncio.StreamReader, within_s: float = 2.0) -> bytes:
    """Everything sent until the server closes the connection."""
    with suppress(ConnectionResetError):
        return await asyncio.wait_for(reader.read(), within_s)
    return b""


async def eventually(condition: Callable[[], bool], within_s: float = 2.0) -> None:
    """The other end of a socket has no event to wait for."""
    deadline = monotonic() + within_s
    while not condition():
        assert monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.005)


async def test_a_call_hears_sound_and_keys_in_order_until_the_other_side_leaves(
    calls: Calls,
) -> None:
    async with serving(calls) as server:
        _, writer, uuid = await dial(server)
        sound = tone(20)
        for part in (codec.encode_audio(sound), codec.encode_digit("1"), b"\x77\x00\x01x"):
            writer.write(part)
        writer.write(codec.encode_audio(sound))
        await writer.drain()
        writer.close()
        await eventually(lambda: uuid in calls.ended)
        assert calls.heard[uuid] == [Audio(sound), Digit("1"), Audio(sound)]
        assert calls.ended[uuid] == "caller"
        assert calls.open[uuid].decoder.unknown == 1


@pytest.mark.parametrize(
    ("goodbye", "by"),
    [
        (codec.HANGUP, "caller"),
        (b"\xff\x00\x01\x01", "caller"),
        (b"\xff\x00\x01\x04", "error: the exchange reports 4"),
    ],
    ids=["hang-up", "error: hung up", "error: memory"],
)
async def test_a_goodbye_ends_the_call(calls: Calls, goodbye: bytes, by: str) -> None:
    async with serving(calls) as server:
        reader, writer, uuid = await dial(server)
        writer.write(goodbye)
        await dropped(reader)
        assert calls.ended[uuid] == by
        writer.close()


async def test_we_hang_up_after_what_was_sent() -> None:
    async def on_call(_uuid: str, connection: AudioSocketConnection) -> None:
        connection.send_frame(SILENCE)

    async with serving(on_call) as server:
        reader, writer, _ = await dial(server)
        assert await dropped(reader) == codec.encode_audio(SILENCE) + codec.HANGUP
        writer.close()


async def test_a_fault_in_the_application_gives_the_call_back_to_the_exchange() -> None:
    async def on_call(_uuid: str, _connection: AudioSocketConnection) -> None:
        raise RuntimeError

    async with serving(on_call) as server:
        reader, writer, _ = await dial(server)
        assert await dropped(reader) == codec.HANGUP
        assert server.calls == 0
        writer.close()


async def test_an_unknown_uuid_is_refused() -> None:
    calls, known = Calls(), uuid4()
    async with serving(calls, known={str(known)}) as server:
        reader, writer, _ = await dial(server)
        assert await dropped(reader) == b""
        assert server.refused == 1
        _, good, uuid = await dial(server, known)
        await eventually(lambda: uuid in calls.open)
        writer.close()
        good.close()


async def test_the_second_connection_of_a_call_is_refused_and_the_first_goes_on() -> None:
    calls = Calls()
    async with serving(calls) as server:
        _, first, uuid = await dial(server)
        await eventually(lambda: uuid in calls.open)
        reader, second, _ = await dial(server, UUID(uuid))
        await dropped(reader)
        first.write(codec.encode_digit("5"))
        await eventually(lambda: calls.heard[uuid] == [Digit("5")])
        first.close()
        second.close()


async def test_a_peer_that_says_nothing_is_dropped() -> None:
    calls = Calls()
    async with serving(calls, limits=QUICK) as server:
        reader, writer = await connect(server)
        await dropped(reader)
        assert (server.refused, calls.open) == (1, {})
        writer.close()


@pytest.mark.parametrize("first", [codec.encode_audio(SILENCE), b"GET / HTTP/1.1\r\n\r\n" * 999])
async def test_a_peer_that_does_not_begin_with_its_uuid_is_dropped(first: bytes) -> None:
    calls = Calls()
    async with serving(calls, limits=QUICK) as server:
        reader, writer = await connect(server)
        writer.write(first)
        await dropped(reader)
        assert calls.open == {}
        writer.close()


async def test_a_call_without_a_sign_of_life_is_ended(calls: Calls) -> None:
    async with serving(calls, limits=QUICK) as server:
        reader, writer, uuid = await dial(server)
        await dropped(reader)
        await eventually(lambda: uuid in calls.ended)
        assert calls.ended[uuid] == "error: nothing from the exchange"
        writer.close()


async def test_a_call_with_a_sign_of_life_is_not(calls: Calls) -> None:
    patient = replace(QUICK, idle_s=1.0)  # a busy machine may keep us from sending for a while
    async with serving(calls, limits=patient) as server:
        _, writer, uuid = await dial(server)
        for _ in range(24):
            writer.write(codec.encode_audio(SILENCE))
            await asyncio.sleep(0.05)
        assert uuid not in calls.ended
        writer.close()


async def test_a_peer_that_never_reads_is_dropped_with_a_bounded_buffer(calls: Calls) -> None:
    async with serving(calls, limits=QUICK) as server:
        with socket.socket() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(peer, ("127.0.0.1", server.port))
            uuid = uuid4()
            await loop.sock_sendall(peer, codec.encode_hello(uuid))
            await eventually(lambda: str(uuid) in calls.open)
            connection = calls.open[str(uuid)]
            frames = 0
            while not connection.closed_by:
                connection.send_frame(tone(20))
                frames += 1
                assert frames < 5000
            assert connection.closed_by == "error: the exchange does not read"
            assert frames < 1000
            await eventually(lambda: str(uuid) in calls.ended)


async def test_too_many_calls_are_refused_at_once() -> None:
    calls = Calls()
    async with serving(calls, limits=QUICK) as server:
        writers = [(await dial(server))[1] for _ in range(3)]
        await eventually(lambda: server.calls == 3)
        reader, writer, _ = await dial(server)
        await dropped(reader)
        assert server.calls == 3
        for w in (*writers, writer):
            w.close()


async def test_five_hundred_that_only_open_do_not_keep_a_call_out() -> None:
    calls = Calls()
    async with serving(calls) as server:
        idle = [(await connect(server))[1] for _ in range(500)]
        _, writer, uuid = await dial(server)
        await eventually(lambda: uuid in calls.open)
        assert len(server._strangers) <= server.limits.strangers
        for w in (*idle, writer):
            w.close()


async def test_a_flood_has_to_wait() -> None:
    """A peer that sends faster than we take is stopped by TCP, not stored."""
    started, go_on = asyncio.Event(), asyncio.Event()
    connections = []

    async def on_call(_uuid: str, connection: AudioSocketConnection) -> None:
        connections.append(connection)
        started.set()
        await go_on.wait()
        async for _ in connection:
            pass

    async with serving(on_call) as server:
        reader, writer, _ = await dial(server)
        await started.wait()
        frame = codec.encode_audio(SILENCE)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while True:
                    writer.write(frame * 100)
                    await writer.drain()
        assert len(connections[0]._inbox) < 2000
        go_on.set()
        writer.close()
        await dropped(reader)


async def test_a_taken_port_is_a_clear_error() -> None:
    calls = Calls()
    async with serving(calls) as server:
        second = AudioSocketServer(lambda _: True, calls, port=server.port)
        with pytest.raises(LineError, match=f"127.0.0.1:{server.port}.*stop the program"):
            await second.start()


async def test_closing_hangs_up_and_cancels_what_is_stuck() -> None:
    stuck = asyncio.Event()

    async def on_call(_uuid: str, _connection: AudioSocketConnection) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stuck.set()

    server = AudioSocketServer(lambda _: True, on_call, port=0)
    await server.start()
    reader, writer, _ = await dial(server)
    await eventually(lambda: server.calls == 1)
    await server.close(grace_s=0.05)
    assert stuck.is_set()
    assert await dropped(reader) == codec.HANGUP
    writer.close()


def test_the_line_takes_as_many_calls_as_the_setting_may_name() -> None:
    """Beyond them the policyholders we dialled would have met the human queue."""
    (most,) = (m.le for m in Settings.model_fields["max_calls"].metadata if isinstance(m, Le))
    assert Limits().calls >= most
