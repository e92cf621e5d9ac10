"""What a conversation needs of the dialogue, whoever answers."""

from __future__ import annotations

from typing import Protocol

from bot.dialogue.protocol import Moved, Start, Turn


class Dialogue(Protocol):
    """What a conversation needs of `bot.dialogue.client.Dialogue`."""

    async def begin(self, start: Start) -> Moved: ...

    async def turn(self, turn: Turn) -> Moved: ...
