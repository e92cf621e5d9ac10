"""The manager protocol on the wire, and a client that a manager may leave at any time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice import ami_client
from voice.ami import MAX_LINE, AmiSyntax, Decoder, Message, challenge_key, encode
from voice.ami_client import AmiClient, AmiRefused, AmiUnavailable

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
SECRET = "s3cret"

_word = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0:"), min_size=1, max_size=12)
_value = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=20)
_blocks = st.lists(
    st.lists(st.tuples(_word.map(str.strip).filter(bool), _value.map(str.strip)), min_size=1),
    max_size=4,
)


def wire(blocks: list[list[tuple[str, str]]]) -> bytes:
    lines = ("".join(f"{key}: {value}\r\n" for key, value in block) + "\r\n" for block in blocks)
    return "".join(lines).encode()


@given(_blocks, st.data())
def test_any_cut_of_the_bytes_gives_the_same_messages(
    blocks: list[list[tuple[str, str]]], data: st.DataObject
) -> None:
    stream = GREETING + wire(blocks)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    decoder, found = Decoder(), []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += decoder.feed(stream[begin:end])
    assert [list(message.fields) for message in found] == blocks


@given(st.binary(max_size=400))
def test_garbage_is_refused_or_ignored_and_never_grows(garbage: bytes) -> None:
    decoder = Decoder()
    try:
        list(decoder.feed(GREETING))
        list(decoder.feed(garbage))
    except AmiSyntax:
        return
    assert len(decoder._rest) <= MAX_LINE


def test_what_is_no_manager_is_told_at_its_first_line() -> None:
    with pytest.raises(AmiSyntax, match="no Asterisk Call Manager"):
        list(Decoder().feed(b"SSH-2.0-OpenSSH_9.2\r\n"))


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(AmiSyntax, match="without end"):
        list(Decoder().feed(GREETING + b"x" * (MAX_LINE + 1)))


@pytest.mark.parametrize("value", ["1\r\nAction: Originate", "1\nX: y", "a\0b"])
def test_a_value_cannot_begin_a_line_of_its_own(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        encode("Redirect", {"Channel": value})
    with pytest.raises(ValueError, match="line break"):
        encode("Originate", {"Variable": ["a=b", value]})


def test_repeated_fields_and_case() -> None:
    message = Message((("Event", "Newchannel"), ("ChanVariable", "a=1"), ("ChanVariable", "b=2")))
    assert message.get("event") == message.event == "Newchannel"
    assert message.all("chanvariable") == ["a=1", "b=2"]
    assert encode("X", {"Variable": ["a=1", "b=2"]}).count(b"Variable: ") == 2


# -- the client, against a manager of bytes


class Manager:
    """Speaks as much AMI as the client asks for; `script` may answer an action in its own way."""

    def __init__(self) -> None:
        self.script: Callable[[Message], bytes | None] = lambda _: None
        self.logins = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        writer.write(GREETING)
        decoder = Decoder()
        list(decoder.feed(GREETING))
        try:
            while data := await reader.read(4096):
                for message in decoder.feed(data):
                    writer.write(self.answer(message))
        finally:
            writer.close()

    def answer(self, message: Message) -> bytes:
        scripted = self.script(message)
        if scripted is not None:
            return scripted
        action_id = message.get("ActionID")
        if message.get("Action") == "Challenge":
            return reply(action_id, "Success", Challenge="42")
        if message.get("Action") == "Login":
            good = message.get("Key") == hashlib.md5(b"42" + SECRET.encode()).hexdigest()
            self.logins += good
            return reply(action_id, "Success" if good else "Error", Message="Authentication")
        return reply(action_id, "Success")


def reply(action_id: str, response: str, **fields: str) -> bytes:
    return wire([[("Response", response), ("ActionID", action_id), *fields.items()]])


@asynccontextmanager
async def managed(
    secret: str = SECRET, **given: object
) -> AsyncIterator[tuple[Manager, AmiClient]]:
    manager = Manager()
    server = await asyncio.start_server(manager.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with (
        server,
        AmiClient("127.0.0.1", port, user="huifang", secret=secret, **given) as client,
    ):  # type: ignore[arg-type]
        yield manager, client


async def test_login_without_the_secret_on_the_wire_then_actions() -> None:
    async with managed() as (_, client):
        assert await client.wait_up(5)
        assert client.version == "11.0.0"
        assert (await client.action("Ping")).ok
    assert SECRET not in challenge_key("42", SECRET)


async def test_a_wrong_secret_is_said_and_tried_again() -> None:
    async with managed(secret="wrong") as (_, client):
        assert not await client.wait_up(0.5)
        assert "Authentication" in client.refusal
        with pytest.raises(AmiUnavailable):
            await client.action("Ping")


async def test_a_refused_action_says_why() -> None:
    async with managed() as (manager, client):
        assert await client.wait_up(5)
        manager.script = lambda m: reply(m.get("ActionID"), "Error", Message="No such channel")
        with pytest.raises(AmiRefused, match="No such channel"):
            await client.action("Redirect", Channel="PJSIP/x")


async def test_a_silent_manager_costs_no_more_than_the_time_given() -> None:
    async with managed() as (manager, client):
        assert await client.wait_up(5)
        manager.script = lambda _: b""
        with pytest.raises(AmiUnavailable, match="in time"):
            await client.action("Redirect", timeout_s=0.05, Channel="PJSIP/x")


async def test_a_lost_connection_fails_what_waits_and_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ami_client, "BACKOFF_S", (0.01,))
    again = asyncio.Event()
    ups = 0

    async def on_up() -> None:
        nonlocal ups
        ups += 1
        if ups == 2:
            again.set()

    async with managed(on_up=on_up) as (manager, client):
        assert await client.wait_up(5)
        manager.script = lambda m: b"" if m.get("Action") == "Redirect" else None
        waiting = asyncio.create_task(client.action("Redirect", Channel="PJSIP/x"))
        await asyncio.sleep(0)
        manager.writers[-1].close()
        with pytest.raises(AmiUnavailable):
            await waiting
        await asyncio.wait_for(again.wait(), 5)
        assert client.up
        assert manager.logins == 2


async def test_each_loss_of_a_good_connection_begins_the_back_off_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ami_client, "BACKOFF_S", (0.01, 600.0))
    ups: asyncio.Queue[None] = asyncio.Queue()

    async def on_up() -> None:
        ups.put_nowait(None)

    async with managed(on_up=on_up) as (manager, _):
        for _loss in range(3):
            await asyncio.wait_for(ups.get(), 5)
            manager.writers[-1].close()
        await asyncio.wait_for(ups.get(), 5)


async def test_an_exchange_too_busy_to_say_which_calls_live_is_not_asked_ever_faster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[int] = []

    class Waits(tuple[float, ...]):
        def __getitem__(self, n: Any) -> Any:
            waits.append(n)
            return 0.0

    monkeypatch.setattr(ami_client, "BACKOFF_S", Waits((0.0,) * 9))
    ups: asyncio.Queue[None] = asyncio.Queue()

    async def on_up() -> None:
        ups.put_nowait(None)
        raise AmiUnavailable("the Asterisk manager did not answer in time")

    async with managed(on_up=on_up):
        for _attempt in range(4):
            await asyncio.wait_for(ups.get(), 5)
    assert waits[:3] == [0, 1, 2]


async def test_a_listing_collects_its_events_and_no_others() -> None:
    heard: list[Message] = []
    async with managed(on_event=heard.append) as (manager, client):
        assert await client.wait_up(5)

        def channels(message: Message) -> bytes | None:
            if message.get("Action") != "CoreShowChannels":
                return None
            mine = ("ActionID", message.get("ActionID"))
            return wire(
                [
                    [("Response", "Success"), mine, ("EventList", "start")],
                    [("Event", "Hangup"), ("Channel", "PJSIP/other")],
                    [("Event", "CoreShowChannel"), mine, ("Channel", "PJSIP/a")],
                    [("Event", "CoreShowChannelsComplete"), mine, ("EventList", "Complete")],
                ]
            )

        manager.script = channels
        shown = await client.listing("CoreShowChannels")
        assert [m.get("Channel") for m in shown] == ["PJSIP/a"]
        assert [m.event for m in heard] == ["Hangup"]


async def test_an_event_that_breaks_its_listener_costs_no_connection() -> None:
    def broken(_: Message) -> None:
        raise RuntimeError("a fault of ours")

    async with managed(on_event=broken) as (manager, client):
        assert await client.wait_up(5)
        manager.writers[-1].write(wire([[("Event", "FullyBooted")]]))
        assert (await client.action("Ping")).ok


async def test_a_fault_of_ours_after_the_login_is_not_the_end_of_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ami_client, "BACKOFF_S", (0.01,))
    ups, well = 0, asyncio.Event()

    async def on_up() -> None:
        nonlocal ups
        ups += 1
        if ups == 1:
            raise KeyError("a fault of ours")
        well.set()

    async with managed(on_up=on_up) as (_, client):
        await asyncio.wait_for(well.wait(), 5)
        assert (await client.action("Ping")).ok
