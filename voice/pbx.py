"""The exchange as the application uses it: dial, hand over, hang up; and what it reports.

Everything here may fail at any time, because the manager connection may. Nobody's way to a human
depends on it: the dialplan asks over HTTP when we are silent.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from voice.ami import Message
from voice.ami_client import AmiClient, AmiRefused, AmiUnavailable
from voice.pbx_events import LOCAL, ORIGINATE_ID, VARIABLE, Channels, Gone, PbxEvent

log = structlog.get_logger()

_NUMBER = re.compile(r"\+?[0-9]{1,20}")
NUMBER = "HUIFANG_NUMBER"  # shown to the human who takes the call
RING = "HUIFANG_RING_S"  # how long the dialplan's Dial() lets it ring
RING_MARGIN_S = 2  # Dial() gives up first: it tells why
LOST = 0  # cause of a call that ended while we did not see it


@dataclass(frozen=True, slots=True)
class Dialplan:
    """Where things are in the dialplan, and how numbers become channels."""

    channel: str = "PJSIP/{number}@trunk"
    """What Originate dials: a technology, and `{number}` with whatever prefix the trunk wants. With
    a Local channel the bot also hears what the carrier says before anybody answers."""
    outbound: str = "huifang-out,s,1"
    human: str = "huifang-human,s,1"
    caller_id: str = ""
    ring_s: int = 45

    def dial_string(self, number: str) -> str:
        """Raises ValueError for anything but a telephone number: it must not carry commands."""
        if not _NUMBER.fullmatch(number):
            raise ValueError("not a telephone number")
        return self.channel.format(number=number)

    @property
    def early_media(self) -> bool:
        return self.channel.startswith(LOCAL)


class Pbx:
    """One exchange. `on_event` gets every PbxEvent; `async with` connects and stays connected."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        user: str,
        secret: str,
        dialplan: Dialplan,
        on_event: Callable[[PbxEvent], None],
    ) -> None:
        self._dialplan, self._on_event = dialplan, on_event
        self._channels = Channels()
        self.client = AmiClient(
            host, port, user=user, secret=secret, on_event=self._take, on_up=self._resynchronise
        )

    @property
    def up(self) -> bool:
        return self.client.up

    async def __aenter__(self) -> Pbx:
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.__aexit__()

    async def dial(self, uuid: str, number: str, **variables: str) -> None:
        """Ask for a call; what becomes of it comes as events with this UUID.

        Raises AmiUnavailable when nobody knows whether it was asked for, AmiRefused or ValueError
        when it was not."""
        context, exten, priority = self._dialplan.outbound.split(",")
        channel = self._dialplan.dial_string(number)
        self._channels.dialling(uuid)
        ring_s, early = self._dialplan.ring_s, self._dialplan.early_media
        carried = {f"__{VARIABLE}": uuid, NUMBER: number, RING: str(ring_s), **variables}
        await self.client.action(
            "Originate",
            ActionID=ORIGINATE_ID + uuid,
            Channel=channel,
            ChannelId=uuid,
            Context=context,
            Exten=exten,
            Priority=priority,
            CallerID=self._dialplan.caller_id,
            Timeout=str((ring_s + RING_MARGIN_S * early) * 1000),
            EarlyMedia=str(early).lower(),
            Async="true",
            Variable=[f"{name}={value}" for name, value in carried.items()],
        )

    async def hand_over(self, uuid: str) -> bool:
        """Take the caller out of the bot and into the human queue. False when that cannot be done
        from here: then the dialplan does it once the media line ends."""
        channel = self._channels.channel(uuid)
        if channel is None or not self.up:
            return False
        context, exten, priority = self._dialplan.human.split(",")
        try:
            await self.client.action(
                "Redirect", Channel=channel, Context=context, Exten=exten, Priority=priority
            )
        except (AmiUnavailable, AmiRefused) as error:
            log.warning("pbx.redirect_failed", uuid=uuid, reason=str(error))
            return False
        return True

    async def hang_up(self, uuid: str) -> None:
        """End a call; no effect when it is gone or the manager is."""
        channel = self._channels.channel(uuid)
        if channel is None:
            return
        try:
            await self.client.action("Hangup", Channel=channel, Cause="16")
        except (AmiUnavailable, AmiRefused) as error:
            log.warning("pbx.hangup_failed", uuid=uuid, reason=str(error))

    async def record(self, uuid: str, file: str) -> None:
        """Have the exchange record the call from here on, both sides in one track."""
        channel = self._channels.channel(uuid)
        if channel is not None:
            await self.client.action("MixMonitor", Channel=channel, File=file)

    # -- inside

    def _take(self, message: Message) -> None:
        for event in self._channels.feed(message):
            self._on_event(event)

    async def _resynchronise(self) -> None:
        """After a (re)connect: which calls of ours live, and which ended unseen or never began."""
        before = self._channels.unseen
        shown = await self.client.listing("CoreShowChannels")
        live = {message.get("Channel"): message for message in shown}
        for uuid in self._channels.retain(frozenset(live)):
            self._on_event(Gone(uuid, LOST))
        found = await asyncio.gather(*(self._variable(channel) for channel in live))
        for channel, uuid in zip(live, found, strict=True):
            if uuid:
                self._channels.bind(channel, uuid)
        for message in shown:  # somebody may have answered meanwhile
            self._take(message)
        for uuid in before & self._channels.unseen:
            self._channels.give_up(uuid)
            self._on_event(Gone(uuid, LOST))
        log.info("pbx.synchronised", calls=len(self._channels.uuids))

    async def _variable(self, channel: str) -> str:
        try:
            answer = await self.client.action("Getvar", Channel=channel, Variable=VARIABLE)
        except AmiRefused:  # gone meanwhile
            return ""
        return answer.get("Value").lower()


OUTCOMES: Mapping[int, str] = {
    1: "no_such_number",
    3: "no_such_number",
    16: "no_answer",
    17: "busy",
    18: "no_answer",
    19: "no_answer",
    20: "not_registered",
    21: "rejected",
    22: "no_such_number",
    27: "not_registered",
    28: "no_such_number",
    31: "no_answer",
    34: "congestion",
    38: "congestion",
    41: "congestion",
    42: "congestion",
    44: "congestion",
    58: "congestion",
    127: "no_answer",
}
"""What a call that nobody answered came to, by Q.850 cause of its hang-up. Others: failed."""


def outcome(cause: int) -> str:
    """The outcome of a call that was never answered."""
    return OUTCOMES.get(cause, "failed")
