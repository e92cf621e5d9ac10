"""The wideband line: chan_websocket's messages, and a server that lets in only calls of ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice import websocket_server
from voice.errors import LineError
from voice.media import Audio, Digit, Media
from voice.websocket_media import (
    Begin,
    Control,
    Flow,
    Marked,
    MediaSyntax,
    Unknown,
    command,
    decode,
)
from voice.websocket_server import WebSocketConnection, WebSocketServer

UUID = "5a2f8c1e-0000-4000-8000-000000000001"
FRAME = bytes(range(128)) * 5  # 20 ms at 16 kHz
START = json.dumps(
    {
        "event": "MEDIA_START",
        "connection_id": "huifang",
        "channel": "WebSocket/huifang/0x1",
        "format": "slin16",
        "optimal_frame_size": 640,
        "channel_variables": {"CALL_UUID": UUID.upper()},
    }
)
OnCall = Callable[[str, WebSocketConnection], Awaitable[None]]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        (START, Begin("slin16", 640, UUID)),
        ('{"event": "DTMF_END", "digit": "0", "duration_ms": 200}', Digit("0")),
        ('{"event": "MEDIA_XOFF"}', Flow(open=False)),
        ('{"event": "MEDIA_XON"}', Flow(open=True)),
        ('{"event": "MEDIA_MARK_PROCESSED", "correlation_id": "m1"}', Marked("m1")),
        ('{"event": "QUEUE_DRAINED"}', Unknown("QUEUE_DRAINED")),
    ],
)
def test_what_asterisk_says(text: str, meaning: Control) -> None:
    assert decode(text) == meaning


@pytest.mark.parametrize(
    "text", ["MEDIA_START connection_id:1", "[]", "{}", '{"event": "DTMF_END", "digit": "00"}']
)
def test_what_is_not_of_this_protocol(text: str) -> None:
    with pytest.raises(MediaSyntax):
        decode(text)


@given(st.text(max_size=200))
def test_any_text_is_a_message_or_refused(text: str) -> None:
    try:
        decode(text)
    except MediaSyntax:
        return


def test_commands_are_json() -> None:
    sent = json.loads(command("MARK_MEDIA", correlation_id="m1"))
    assert sent == {"command": "MARK_MEDIA", "correlation_id": "m1"}


@asynccontextmanager
async def serving(on_call: OnCall) -> AsyncIterator[WebSocketServer]:
    server = WebSocketServer(lambda uuid: uuid == UUID, on_call, port=0)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def exchange(
    server: WebSocketServer, start: str = START
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    url = f"http://127.0.0.1:{server.port}/media?uuid={UUID}"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=("media",)) as socket,
    ):
        await socket.send_str(start)
        yield socket


async def test_sound_and_keys_both_ways_in_order() -> None:
    heard: list[Media] = []

    async def on_call(uuid: str, connection: WebSocketConnection) -> None:
        assert (uuid, connection.rate) == (UUID, 16_000)
        connection.send_frame(FRAME)
        connection.mark("m1")
        async for message in connection:
            heard.append(message)
            if isinstance(message, Digit):
                assert connection.marks == {"m1"}
                connection.close()

    async with serving(on_call) as server, exchange(server) as socket:
        assert (await socket.receive_bytes()) == FRAME
        assert json.loads(await socket.receive_str())["command"] == "MARK_MEDIA"
        await socket.send_bytes(FRAME + b"x")
        await socket.send_str('{"event": "MEDIA_MARK_PROCESSED", "correlation_id": "m1"}')
        await socket.send_str('{"event": "DTMF_END", "digit": "0"}')
        assert json.loads(await socket.receive_str()) == {"command": "HANGUP"}
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
    assert heard == [Audio(FRAME), Digit("0")]


async def test_the_exchange_hangs_up() -> None:
    over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def on_call(_: str, connection: WebSocketConnection) -> None:
        async for _message in connection:
            pass
        over.set_result(connection.closed_by)

    async with serving(on_call) as server:
        async with exchange(server):
            pass
        assert await asyncio.wait_for(over, 5) == "caller"


async def test_while_asterisk_has_no_room_frames_are_dropped_not_piled_up() -> None:
    state: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def on_call(_: str, connection: WebSocketConnection) -> None:
        async for message in connection:
            if isinstance(message, Digit):
                break
        for _frame in range(10):
            connection.send_frame(FRAME)
        state.set_result(connection.lost_frames)

    async with serving(on_call) as server, exchange(server) as socket:
        await socket.send_str('{"event": "MEDIA_XOFF"}')
        await socket.send_str('{"event": "DTMF_END", "digit": "1"}')
        assert await asyncio.wait_for(state, 5) == 10


async def test_a_peer_that_does_not_read_is_hung_up() -> None:
    over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def on_call(_: str, connection: WebSocketConnection) -> None:
        for _frame in range(websocket_server.UNSENT + 1):
            connection.send_frame(FRAME)
        over.set_result(connection.closed_by)

    async with serving(on_call) as server, exchange(server):
        assert "does not read" in await asyncio.wait_for(over, 5)


async def test_a_peer_that_talks_and_does_not_read_is_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is stuck on its way to it must not hold the call: its caller waits for a human."""
    monkeypatch.setattr(websocket_server, "GOODBYE_S", 0.1)
    left: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def on_call(_: str, connection: WebSocketConnection) -> None:
        while not connection.closed_by:
            connection.send_frame(bytes(60_000))
            await asyncio.sleep(0)
        left.set_result(connection.closed_by)

    async with serving(on_call) as server, exchange(server) as socket:
        assert "does not read" in await asyncio.wait_for(left, 10)
        async with asyncio.timeout(10):
            with pytest.raises(ConnectionError):
                while True:
                    await socket.send_bytes(FRAME)
                    await asyncio.sleep(0)
            while server._live:  # noqa: ASYNC110
                await asyncio.sleep(0)


async def test_a_call_that_is_not_ours_is_refused() -> None:
    async def on_call(_: str, __: WebSocketConnection) -> None:
        raise AssertionError("it was let in")

    async with serving(on_call) as server, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(f"http://127.0.0.1:{server.port}/media?uuid=other")
        assert server.refused == 1


@pytest.mark.parametrize("start", ['{"event": "MEDIA_XON"}', START.replace("slin16", "ulaw")])
async def test_a_call_in_another_form_is_refused(start: str) -> None:
    async def on_call(_: str, __: WebSocketConnection) -> None:
        raise AssertionError("it was let in")

    async with serving(on_call) as server, exchange(server, start) as socket:
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert server.refused == 1


async def test_of_two_connections_of_one_call_one_is_served() -> None:
    wanted, calls = {UUID}, 0

    async def on_call(uuid: str, connection: WebSocketConnection) -> None:
        nonlocal calls
        wanted.discard(uuid)
        calls += 1
        await connection.ended()

    server = WebSocketServer(lambda uuid: uuid in wanted, on_call, port=0)
    await server.start()
    url = f"http://127.0.0.1:{server.port}/media?uuid={UUID}"
    async with aiohttp.ClientSession() as session:
        both = [await session.ws_connect(url, protocols=("media",)) for _ in range(2)]
        for socket in both:
            await socket.send_str(START)
        closed = await asyncio.wait_for(both[1].receive(), 5)
        assert closed.type is aiohttp.WSMsgType.CLOSE
        assert (calls, server.refused) == (1, 1)
    await server.close()


async def test_a_fault_in_the_application_ends_the_call() -> None:
    async def on_call(_: str, __: WebSocketConnection) -> None:
        raise RuntimeError("a fault of ours")

    async with serving(on_call) as server, exchange(server) as socket:
        assert json.loads(await socket.receive_str()) == {"command": "HANGUP"}


async def test_a_taken_port_is_a_clear_error() -> None:
    async def on_call(_: str, __: WebSocketConnection) -> None: ...

    async with serving(on_call) as server:
        second = WebSocketServer(lambda _: True, on_call, port=server.port)
        with pytest.raises(LineError, match="choose another"):
            await second.start()
