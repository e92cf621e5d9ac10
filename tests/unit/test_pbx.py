"""The exchange after a time without connection to it: every call that was asked for has an end."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from tests.unit.test_ami import SECRET, Manager, reply, wire
from voice import ami_client
from voice.ami import Message
from voice.pbx import LOST, Dialplan, Pbx
from voice.pbx_events import Answered, Gone, PbxEvent


class Exchange(Manager):
    """Takes every Originate; `channels` are up."""

    def __init__(self) -> None:
        super().__init__()
        self.channels: dict[str, str] = {}  # name → CALL_UUID
        self.script = self._answer

    def _answer(self, message: Message) -> bytes | None:
        mine = ("ActionID", message.get("ActionID"))
        match message.get("Action"):
            case "CoreShowChannels":
                shown = [
                    [("Event", "CoreShowChannel"), mine, ("Channel", name), ("Linkedid", uuid),
                     ("ChannelStateDesc", "Up")]
                    for name, uuid in self.channels.items()
                ]  # fmt: skip
                end = [("Event", "CoreShowChannelsComplete"), mine, ("EventList", "Complete")]
                return wire([[("Response", "Success"), mine, ("EventList", "start")], *shown, end])
            case "Getvar":
                value = self.channels.get(message.get("Channel"), "")
                return reply(mine[1], "Success", Value=value)
        return None


async def test_a_call_whose_beginning_was_missed_is_found_and_one_that_never_began_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ami_client, "BACKOFF_S", (0.01,))
    events: asyncio.Queue[PbxEvent] = asyncio.Queue()
    exchange = Exchange()
    server = await asyncio.start_server(exchange.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    pbx = Pbx(
        "127.0.0.1", port, user="huifang", secret=SECRET,
        dialplan=Dialplan(), on_event=events.put_nowait,
    )  # fmt: skip
    async with server, pbx:
        assert await pbx.client.wait_up(5)
        seen, never = str(uuid4()), str(uuid4())
        for uuid in (seen, never):
            await pbx.dial(uuid, "13900000001")
        exchange.channels["PJSIP/trunk-1"] = seen
        exchange.writers[-1].close()
        async with asyncio.timeout(5):
            assert {await events.get(), await events.get()} == {Answered(seen), Gone(never, LOST)}
        assert pbx._channels.channel(seen) == "PJSIP/trunk-1"
        exchange.writers[-1].close()
        exchange.channels.clear()
        async with asyncio.timeout(5):
            assert await events.get() == Gone(seen, LOST)
        assert not pbx._channels.unseen
