"""The lines between application and worker: one JSON object each, in UTF-8, ended by a newline.

Request  {"id": 7, "op": "start", "start": {…}}     Reply  {"id": 7, "moved": {…}}
         {"id": 8, "op": "turn", "turn": {…}}              {"id": 8, "moved": {…}}
         {"id": 9, "op": "parse", "text": …, "expect": …}  {"id": 9, "meaning": {…}}
         {"id": 10, "op": "health"}                        {"id": 10, "health": {…}}
Refused  {"id": 7, "error": "bad_request" | "failed", "message": …}

A worker sends {"ready": {…}} once it can answer. Nothing a caller said is ever in a `message`.
Standard library only: both Python versions import it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from bot.dialogue.protocol import MAX_LINE, Item, Meaning, Moved, Start, Turn, act_from_json

ANSWERS = ("yes", "no", "unclear")


class BadLine(ValueError):
    """A line that is no message of this protocol; the text says why, never what was in it."""


def encode(message: Mapping[str, Any]) -> bytes:
    """Raises BadLine when the line would be longer than MAX_LINE bytes."""
    # A lone surrogate (half an emoji from a careless client) cannot be UTF-8.
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    line = text.encode("utf-8", "replace") + b"\n"
    if len(line) > MAX_LINE:
        raise BadLine(f"a line of {len(line)} bytes, at most {MAX_LINE} are allowed")
    return line


def decode(line: bytes) -> dict[str, Any]:
    """Raises BadLine."""
    if len(line) > MAX_LINE:
        raise BadLine("the line is too long")
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise BadLine("the line is not JSON") from None
    if not isinstance(message, dict):
        raise BadLine("the line is not a JSON object")
    return message


def start_from_json(data: Mapping[str, Any]) -> Start:
    """Raises BadLine."""
    try:
        items = tuple(Item.from_json(item) for item in data["items"])
        if any(item.expect not in ANSWERS for item in items):
            raise BadLine("an item expects something that is no answer")
        return Start(
            items=items,
            elder=bool(data["elder"]),
            done=tuple(map(str, data["done"])),
            problems=int(data["problems"]),
        )
    except (KeyError, TypeError) as error:
        raise BadLine(f"not a start: {type(error).__name__}") from None


def turn_from_json(data: Mapping[str, Any]) -> Turn:
    """Raises BadLine."""
    try:
        turn = Turn(**data)
        fits = (
            isinstance(turn.state, dict)
            and isinstance(turn.text, str)
            and isinstance(turn.via, str)
            and isinstance(turn.event, str | None)
            and turn.well_typed()
        )
        if not fits:
            raise BadLine("a field of the turn has the wrong type")
        return turn
    except TypeError as error:
        raise BadLine(f"not a turn: {type(error).__name__}") from None


def moved_to_json(moved: Moved) -> dict[str, Any]:
    return {
        "acts": [act.to_json() for act in moved.acts],
        "state": moved.state,
        "meaning": asdict(moved.meaning) if moved.meaning else None,
        "ms": round(moved.ms, 3),
        "model": moved.model,
    }


def moved_from_json(data: Mapping[str, Any]) -> Moved:
    """Raises BadLine."""
    try:
        meaning = data["meaning"]
        return Moved(
            acts=tuple(act_from_json(act) for act in data["acts"]),
            state=dict(data["state"]),
            meaning=meaning_from_json(meaning) if meaning else None,
            ms=float(data["ms"]),
            model=str(data["model"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadLine(f"not a move: {type(error).__name__}") from None


def meaning_from_json(data: Mapping[str, Any]) -> Meaning:
    """Raises BadLine."""
    try:
        meaning = Meaning(**data)
    except TypeError as error:
        raise BadLine(f"not a meaning: {type(error).__name__}") from None
    if meaning.answer not in ANSWERS:
        raise BadLine("a meaning with an unknown answer")
    return meaning
