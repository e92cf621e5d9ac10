"""The real dialogue, lent to processes that will be killed: they would need seconds to load it.

One JSON line each way over a Unix socket, in the worker's own encoding (`bot.dialogue.wire`).
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bot.dialogue import wire
from bot.dialogue.port import Dialogue
from bot.dialogue.protocol import MAX_LINE, Moved, Start, Turn
from bot.errors import DialogueUnavailable


async def lend(dialogue: Dialogue, path: Path) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(wire.encode(await _answer(dialogue, wire.decode(line))))
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass  # the borrower was killed
        finally:
            writer.close()

    return await asyncio.start_unix_server(serve, path, limit=MAX_LINE)


async def _answer(dialogue: Dialogue, request: dict[str, Any]) -> dict[str, Any]:
    try:
        if "start" in request:
            moved = await dialogue.begin(wire.start_from_json(request["start"]))
        else:
            moved = await dialogue.turn(wire.turn_from_json(request["turn"]))
    except DialogueUnavailable as error:
        return {"error": str(error)}
    return {"moved": wire.moved_to_json(moved)}


class Borrowed:
    """The borrower's side: a `bot.dialogue.port.Dialogue`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def at(cls, path: Path) -> Borrowed:
        return cls(*await asyncio.open_unix_connection(path, limit=MAX_LINE))

    async def begin(self, start: Start) -> Moved:
        return await self._ask({"start": asdict(start)})

    async def turn(self, turn: Turn) -> Moved:
        return await self._ask({"turn": asdict(turn)})

    async def _ask(self, request: dict[str, Any]) -> Moved:
        self._writer.write(wire.encode(request))
        await self._writer.drain()
        reply = wire.decode(await self._reader.readline())
        if "error" in reply:
            raise DialogueUnavailable(reply["error"])
        return wire.moved_from_json(reply["moved"])
