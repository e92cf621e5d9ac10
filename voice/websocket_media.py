"""chan_websocket on the wire: media in binary frames, events and commands as JSON text.

Source: Asterisk documentation, "WebSocket channel driver"; the JSON form needs Asterisk 20.18, 22.8
or 23.2. Media is s16le (slin16: 16 kHz), any whole number of samples a frame; Asterisk times it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from voice.media import Digit

WIDEBAND = "slin16"
RATE = 16_000
MAX_TEXT = 64 * 1024  # bytes of one event; channel variables included


class MediaSyntax(ValueError):
    """An event that cannot be one of chan_websocket's."""


@dataclass(frozen=True, slots=True)
class Begin:
    """MEDIA_START, the first event: what is connected, and in which form its sound comes."""

    format: str
    frame_bytes: int
    uuid: str  # CALL_UUID of the dialplan; empty when it was not set


@dataclass(frozen=True, slots=True)
class Flow:
    """MEDIA_XOFF and MEDIA_XON: whether Asterisk has room for more sound."""

    open: bool


@dataclass(frozen=True, slots=True)
class Marked:
    """MEDIA_MARK_PROCESSED: everything sent before this mark was played."""

    mark: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Any other event: new ones may come with new versions."""

    event: str


Control = Begin | Flow | Marked | Digit | Unknown


def decode(text: str) -> Control:
    """One event. Raises MediaSyntax for what is no event of this protocol."""
    if len(text) > MAX_TEXT:
        raise MediaSyntax("an event without end")
    try:
        data = json.loads(text)
    except ValueError as error:
        raise MediaSyntax("control messages must be JSON: dial with f(json)") from error
    event = data.get("event") if isinstance(data, dict) else None
    if not isinstance(event, str):
        raise MediaSyntax("a control message without an event")
    reader = _EVENTS.get(event)
    return reader(data) if reader else Unknown(event)


def command(name: str, **parameters: str) -> str:
    """A command for Asterisk: HANGUP, FLUSH_MEDIA, MARK_MEDIA (with correlation_id), …"""
    return json.dumps({"command": name, **parameters})


def _begin(data: dict[str, Any]) -> Begin:
    variables = data.get("channel_variables")
    uuid = variables.get("CALL_UUID", "") if isinstance(variables, dict) else ""
    frame = data.get("optimal_frame_size")
    return Begin(
        str(data.get("format", "")), frame if isinstance(frame, int) else 0, str(uuid).lower()
    )


def _digit(data: dict[str, Any]) -> Control:
    digit = data.get("digit")
    if not isinstance(digit, str) or digit not in set("0123456789*#ABCD"):
        raise MediaSyntax("a key that is none")
    return Digit(digit)


_EVENTS: Mapping[str, Callable[[dict[str, Any]], Control]] = {
    "MEDIA_START": _begin,
    "DTMF_END": _digit,
    "MEDIA_XOFF": lambda _: Flow(open=False),
    "MEDIA_XON": lambda _: Flow(open=True),
    "MEDIA_MARK_PROCESSED": lambda data: Marked(str(data.get("correlation_id", ""))),
}
