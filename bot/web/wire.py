"""What a browser may say to the server: one JSON object a message, a map of type to meaning.

Unknown types, unknown or missing fields and values out of range fail closed with `BadMessage`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, cast, get_args, get_origin, get_type_hints

from bot.dialogue.protocol import MAX_TEXT

MAX_MESSAGE = 4096  # bytes of one message: 500 Chinese characters are 1500 bytes, 3000 escaped
MAX_TOKEN = 200
MAX_ID = 64
MAX_SEQ = 10**9

Button = Literal["yes", "no", "repeat", "human"]
Digit = Literal["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#"]


class BadMessage(ValueError):
    """The message is not one a page of ours sends."""


# --- from the chat page


@dataclass(frozen=True, slots=True)
class Hello:
    """First message: the opaque token of the chat link, and what tells this browser from others
    who have the same link: a secret that the page made and keeps."""

    type: ClassVar[str] = "hello"
    token: str = field(repr=False)
    browser: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Text:
    """The policyholder typed something."""

    type: ClassVar[str] = "text"
    text: str = field(repr=False)
    mark: str = ""  # the page's own for this message: comes back with it


@dataclass(frozen=True, slots=True)
class Press:
    """An answer button."""

    type: ClassVar[str] = "press"
    button: Button


@dataclass(frozen=True, slots=True)
class PressKey:
    """A digit key, as on a telephone."""

    type: ClassVar[str] = "key"
    digit: Digit = field(repr=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """Every message up to `seq` now stands in the page."""

    type: ClassVar[str] = "shown"
    seq: int


@dataclass(frozen=True, slots=True)
class Typing:
    """The policyholder is writing: have patience."""

    type: ClassVar[str] = "typing"


@dataclass(frozen=True, slots=True)
class Speak:
    """Read message `seq` aloud; `slow` in elder mode."""

    type: ClassVar[str] = "speak"
    seq: int
    slow: bool = False


ChatMessage = Hello | Text | Press | PressKey | Shown | Typing | Speak


# --- from the console


@dataclass(frozen=True, slots=True)
class Take:
    """Take a waiting callback over."""

    type: ClassVar[str] = "take"
    callback: str


@dataclass(frozen=True, slots=True)
class Look:
    """Show a case this agent owns, now and whenever it changes."""

    type: ClassVar[str] = "look"
    callback: str


@dataclass(frozen=True, slots=True)
class AgentSay:
    """Write to the policyholder."""

    type: ClassVar[str] = "say"
    callback: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Let the bot go on."""

    type: ClassVar[str] = "give_back"
    callback: str


@dataclass(frozen=True, slots=True)
class End:
    """Finish the conversation."""

    type: ClassVar[str] = "end"
    callback: str


ConsoleMessage = Take | Look | AgentSay | GiveBack | End

_CHAT = {cls.type: cls for cls in (Hello, Text, Press, PressKey, Shown, Typing, Speak)}
_CONSOLE = {cls.type: cls for cls in (Take, Look, AgentSay, GiveBack, End)}
_MAX_LENGTH = {
    "token": MAX_TOKEN,
    "mark": MAX_ID,
    "browser": MAX_ID,
    "callback": MAX_ID,
    "text": MAX_TEXT,
}


def parse_chat(raw: str) -> ChatMessage:
    """Raises BadMessage."""
    return cast(ChatMessage, _parse(raw, _CHAT))


def parse_console(raw: str) -> ConsoleMessage:
    """Raises BadMessage."""
    return cast(ConsoleMessage, _parse(raw, _CONSOLE))


def plain(text: str) -> str:
    """One line of printable text: control, format and bidirectional-override characters dropped."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def encode(type: str, **body: object) -> str:
    """A message to a page. Dataclasses become objects, aware times ISO 8601."""
    return json.dumps({"type": type, **body}, ensure_ascii=False, default=_plain_data)


def _plain_data(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"cannot send {type(value).__name__}")


def _parse(raw: str, known: Mapping[str, type[Any]]) -> object:
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadMessage("not JSON") from error
    if not isinstance(data, dict):
        raise BadMessage("not an object")
    kind = data.pop("type", None)
    cls = known.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise BadMessage("unknown type")
    hints = get_type_hints(cls)
    for one in fields(cls):
        if one.name in data:
            _check(one.name, data[one.name], hints[one.name])
        elif one.default is MISSING:
            raise BadMessage(f"{kind} lacks {one.name}")
    if data.keys() - {one.name for one in fields(cls)}:
        raise BadMessage(f"{kind} has a field too many")
    return cls(**data)


def _check(name: str, value: object, wanted: Any) -> None:
    if get_origin(wanted) is Literal:
        good = isinstance(value, str) and value in get_args(wanted)
    elif wanted is str:
        good = isinstance(value, str) and 0 < len(value) <= _MAX_LENGTH[name]
    elif wanted is int:
        good = type(value) is int and 0 <= value <= MAX_SEQ
    else:
        good = type(value) is wanted
    if not good:
        raise BadMessage(f"{name} is out of range")
