"""A desk of humans without a dialogue, and the pages that chat at it."""

from __future__ import annotations

import asyncio

from bot.callbacks import Callbacks, Conversations
from bot.dialogue.port import Dialogue
from bot.dialogue.protocol import Moved, Start, Turn
from bot.errors import DialogueUnavailable
from bot.humans.handoff import HumanDesk
from bot.parts import open_voice
from bot.settings import Settings
from bot.store import Store
from bot.web import wire
from bot.web.chatline import ChatLine
from tests.conftest import SteppingClock


class DeadDialogue:
    """No worker answers."""

    async def begin(self, start: Start) -> Moved:
        raise DialogueUnavailable("no dialogue worker answered")

    async def turn(self, turn: Turn) -> Moved:
        raise DialogueUnavailable("no dialogue worker answered")


class Page:
    """Shows what it gets at once, as a page that is looked at does."""

    def __init__(self, line: ChatLine) -> None:
        self.line = line
        self.sent: list[str] = []
        self.over, self.queued = asyncio.Event(), asyncio.Event()
        line.attach(self)

    def send(self, data: str | bytes) -> None:
        assert isinstance(data, str)
        self.sent.append(data)
        if '"ended":true' in data.replace(" ", ""):
            self.over.set()
        if '"queue"' in data:
            self.queued.set()
        shown = wire.Shown(seq=1_000)
        asyncio.get_running_loop().call_soon(self.line.receive, self, shown)

    def close(self, reason: str) -> None:
        pass

    def types(self, text: str) -> None:
        self.line.receive(self, wire.Text(text=text))


def house(
    settings: Settings, store: Store, dialogue: Dialogue | None = None, bot: str = ""
) -> tuple[HumanDesk, Callbacks]:
    """Without a dialogue every chat goes to the humans at once."""
    callbacks = Callbacks(settings, store, clock=SteppingClock(), bot=bot)
    conversations = Conversations(callbacks, dialogue or DeadDialogue())
    return HumanDesk(conversations, open_voice(settings)), callbacks


async def until_queued(desk: HumanDesk, count: int = 1) -> None:
    """So many wait for a human."""
    async with asyncio.timeout(10):
        changes = desk.watch()
        while len(await desk.waiting()) < count:
            await anext(changes)


async def queued(desk: HumanDesk, token: str, browser: str = "") -> Page:
    """A page whose policyholder waits for a human."""
    page = Page(await desk.open_chat(token, browser))
    await until_queued(desk)
    return page
