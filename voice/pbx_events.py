"""What the exchange reports about our calls: manager events folded into a few of our own. Pure.

A call of ours is a channel that carries our UUID: as its variable CALL_UUID (set by the dialplan or
by Originate) or as its unique id (of calls we originate). Everything else is none of our business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from voice.ami import Message

VARIABLE = "CALL_UUID"
LOCAL = "Local/"
"""Begins the name of a channel that only leads to another one, which has the callee."""
MAX_CHANNELS = 10_000  # known at once; more than any exchange we serve has


@dataclass(frozen=True, slots=True)
class KeyDown:
    """A key went down; about 180 ms before the media line reports it."""

    uuid: str
    digit: str


@dataclass(frozen=True, slots=True)
class KeyUp:
    """A key was released."""

    uuid: str
    digit: str


@dataclass(frozen=True, slots=True)
class Answered:
    """Somebody or something picked up a call that we dialled."""

    uuid: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The channel of a call is no more. `cause`: Q.850."""

    uuid: str
    cause: int


@dataclass(frozen=True, slots=True)
class NotDialled:
    """A call we wanted dialled never became a channel: the other side is not registered, or the
    dial string names nothing."""

    uuid: str


@dataclass(frozen=True, slots=True)
class AgentRings:
    """The queue rings a human for this call."""

    uuid: str
    agent: str


@dataclass(frozen=True, slots=True)
class AgentTalks:
    """A human took this call."""

    uuid: str
    agent: str


PbxEvent = KeyDown | KeyUp | Answered | Gone | NotDialled | AgentRings | AgentTalks

ORIGINATE_ID = "huifang-dial-"
"""Prefix of the ActionID of an Originate, whose answer comes as an event."""


class Channels:
    """Which channel carries which call of ours, kept up to date by `feed`."""

    def __init__(self) -> None:
        self._uuids: dict[str, str] = {}  # by channel name
        self._channels: dict[str, str] = {}  # by UUID: the caller's own leg
        self._dialled: set[str] = set()  # asked for, not ended yet
        self._ringing: set[str] = set()  # of these, not answered yet

    def channel(self, uuid: str) -> str | None:
        """The caller's channel, for Redirect and Hangup."""
        return self._channels.get(uuid)

    @property
    def uuids(self) -> frozenset[str]:
        return frozenset(self._channels)

    def dialling(self, uuid: str) -> None:
        """We are about to ask for a channel with this unique id."""
        self._dialled.add(uuid)
        self._ringing.add(uuid)

    @property
    def unseen(self) -> frozenset[str]:
        """UUIDs of calls that were asked for and have no channel yet."""
        return frozenset(self._dialled - self._channels.keys())

    def give_up(self, uuid: str) -> None:
        """No channel will come of this call."""
        self._over(uuid)

    def bind(self, channel: str, uuid: str) -> None:
        """A channel carries a call. A second one with the same UUID is the leg of somebody who was
        called on its behalf (an agent inherits the variable): the caller's stays."""
        if uuid not in self._channels and len(self._channels) < MAX_CHANNELS:
            self._channels[uuid] = channel
            self._uuids[channel] = uuid

    def retain(self, live: frozenset[str]) -> list[str]:
        """Forget channels that no longer exist; returns the UUIDs of their calls."""
        return [self._forget(name) for name in list(self._uuids) if name not in live]

    def feed(self, message: Message) -> Iterator[PbxEvent]:
        """What one manager event means for our calls."""
        handler = _HANDLERS.get(message.event)
        if handler is not None:
            yield from handler(self, message)

    def _forget(self, channel: str) -> str:
        uuid = self._uuids.pop(channel)
        del self._channels[uuid]
        self._over(uuid)
        return uuid

    def _over(self, uuid: str) -> None:
        self._dialled.discard(uuid)
        self._ringing.discard(uuid)

    def _new(self, message: Message) -> Iterator[PbxEvent]:
        if (uuid := message.get("Uniqueid")) in self._dialled:
            self.bind(message.get("Channel"), uuid)
        yield from ()

    def _variable(self, message: Message) -> Iterator[PbxEvent]:
        if message.get("Variable").lstrip("_") == VARIABLE and message.get("Value"):
            self.bind(message.get("Channel"), message.get("Value").lower())
        yield from ()

    def _renamed(self, message: Message) -> Iterator[PbxEvent]:
        if (uuid := self._uuids.pop(message.get("Channel"), None)) is not None:
            self._uuids[message.get("Newname")] = uuid
            self._channels[uuid] = message.get("Newname")
        yield from ()

    def _state(self, message: Message) -> Iterator[PbxEvent]:
        """Answered is a call when the callee's own channel is up. A Local channel in front of it,
        of the same linked id, is up as soon as there is sound: that may be a carrier's prompt."""
        channel = message.get("Channel")
        if message.get("ChannelStateDesc") != "Up" or channel.startswith(LOCAL):
            return
        uuid = self._uuids.get(channel, message.get("Linkedid"))
        if uuid in self._ringing:
            self._ringing.discard(uuid)
            yield Answered(uuid)

    def _hung_up(self, message: Message) -> Iterator[PbxEvent]:
        channel = message.get("Channel")
        if channel in self._uuids:
            cause = message.get("Cause")
            yield Gone(self._forget(channel), int(cause) if cause.isdecimal() else 0)

    def _originated(self, message: Message) -> Iterator[PbxEvent]:
        """Only a call that never became a channel is told here: for the others the reasons are
        useless, and the cause of their hang-up is not."""
        uuid = message.get("ActionID").removeprefix(ORIGINATE_ID)
        if message.get("Response") == "Failure" and uuid in self._dialled - self.uuids:
            self._over(uuid)
            yield NotDialled(uuid)

    def _key(self, message: Message) -> Iterator[PbxEvent]:
        uuid, digit = self._uuids.get(message.get("Channel")), message.get("Digit")
        if uuid is None or message.get("Direction") != "Received" or len(digit) != 1:
            return
        yield KeyDown(uuid, digit) if message.event == "DTMFBegin" else KeyUp(uuid, digit)

    def _agent(self, message: Message) -> Iterator[PbxEvent]:
        """In queue events `Channel` is the caller."""
        uuid, agent = self._uuids.get(message.get("Channel")), message.get("MemberName")
        if uuid is not None and agent:
            rings = message.event == "AgentCalled"
            yield AgentRings(uuid, agent) if rings else AgentTalks(uuid, agent)


_HANDLERS: Mapping[str, Callable[[Channels, Message], Iterator[PbxEvent]]] = {
    "Newchannel": Channels._new,
    "VarSet": Channels._variable,
    "Rename": Channels._renamed,
    "Newstate": Channels._state,
    "CoreShowChannel": Channels._state,  # asked for after a time without connection
    "Hangup": Channels._hung_up,
    "OriginateResponse": Channels._originated,
    "DTMFBegin": Channels._key,
    "DTMFEnd": Channels._key,
    "AgentCalled": Channels._agent,
    "AgentConnect": Channels._agent,
}
