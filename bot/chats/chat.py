"""One chat from its link to its end: the bot's stretches and the humans' between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

import structlog

from bot.callbacks import Conversations
from bot.conversation.rescue import queued
from bot.dialogue.protocol import State
from bot.errors import HuifangError, OwnershipLost
from bot.evidence.ledger import Draft
from bot.web.chatline import ChatLine
from voice.frames import Hangup, Key, Utterance

log = structlog.get_logger()

Verdict = Literal["given_back", "ended"]

BROKEN = (
    "系统出了问题，对话中断了，您最后一条消息可能没有送达。请刷新本页继续，或拨打客服热线转人工。"
)


class Chat:
    """Runs as one task. `take`, `say`, `give_back` and `end` are the agent's hands on it."""

    def __init__(
        self,
        conversations: Conversations,
        callback: str,
        line: ChatLine,
        changed: Callable[[], None],
        browser: str = "",
    ) -> None:
        """`browser`: whose page it is."""
        self.callback, self.line, self.browser = callback, line, browser
        self._conversations, self._callbacks = conversations, conversations.callbacks
        self._changed = changed
        policy = self._callbacks.store.policy_of(callback)
        self._items = self._callbacks.script(policy, "chat").items
        self._verdict: asyncio.Queue[Verdict] = asyncio.Queue()
        # Before anybody can do anything to this chat: what an agent does next is a verdict.
        self._found = self._callbacks.store.callback(callback)
        self.scribe = self._callbacks.serve(callback)  # last: whoever made the chat leaves it
        self.since = self.scribe.next_seq  # number of its first event

    async def run(self) -> None:
        """Until the chat is over. A fault leaves it in the human queue, where it can be read."""
        if self._found.owner == "bot":
            await self._bot_and_humans(None)
        else:  # the house was restarted, or the page was left, while a human had it
            self.line.owned_by("queue" if self._found.owner == "queue" else "human")
            flags = await asyncio.to_thread(self._conversations.flags, self.callback, self.browser)
            await self._write(flags)
            # Who opens the link now need not be who proved identity before.
            state = await self._human_stretch({**(self._found.snapshot or {}), "verified": False})
            if state is not None:
                await self._bot_and_humans(state)
        await self.line.close()
        self._changed()

    async def _bot_and_humans(self, state: State | None) -> None:
        """The bot, and after each hand-over a human, in turns; from `state` where one gave back."""
        while True:
            conversation = await asyncio.to_thread(
                self._conversations.start,
                self.callback,
                self.line,
                scribe=self.scribe,
                state=state,
                browser=self.browser,
            )
            result = await conversation.run()
            if result.ending == "lost":  # taken for dead by another bot, which has ended it
                self.line.note(BROKEN)
            if result.ending != "handed_over":
                return
            self.line.owned_by("queue")
            await queued(self._callbacks.store, self.scribe, result.state)
            self._changed()
            state = await self._human_stretch(result.state)
            if state is None:
                return

    async def _human_stretch(self, state: State) -> State | None:
        """What the policyholder writes goes on record and to the agent's screen. Returns the
        state to resume from, None when the chat is over. Who leaves the page still wants a human:
        the case stays in the queue, or with its agent, until a human ends it."""
        verdict = asyncio.create_task(self._verdict.get())
        try:
            while True:
                event = asyncio.create_task(self.line.next())
                await asyncio.wait({verdict, event}, return_when=asyncio.FIRST_COMPLETED)
                if verdict.done() and not event.done():
                    event.cancel()
                    return state if verdict.result() == "given_back" else None
                match await event:
                    case Hangup():
                        return None
                    case Utterance() | Key() as said:
                        await self._heard(said)
                    case _:
                        pass  # nobody prompts while a human has the word
        finally:
            verdict.cancel()

    async def _heard(self, said: Utterance | Key) -> None:
        text, via = (
            (said.digit, "key") if isinstance(said, Key) else (said.original or said.text, said.via)
        )
        at = said.at_ms if isinstance(said, Key) else said.start_ms
        body = {"via": via, "text": text, "confidence": 1.0, "start_ms": at, "end_ms": at}
        await self._write([Draft("heard", body)])
        self._changed()

    async def _write(self, drafts: Sequence[Draft]) -> None:
        """While humans have it; nothing once one of them has ended it."""
        try:
            await self.scribe.write(drafts)
        except OwnershipLost:  # an agent at another bot has taken it, or has ended it
            owner = await self.scribe.renew()
            if owner == "bot":
                self.end()
                return
            await self.scribe.write(drafts)
            self.line.owned_by("human", owner.removeprefix("human:"))

    def asked(self, item: str) -> None:
        """An item of the questionnaire is open: show how far the policyholder has come."""
        self.line.progress(self._items.index(item) + 1, len(self._items))

    async def take(self, agent: str) -> None:
        body = {"agent": agent, "generation": self.scribe.generation + 1}
        await self.scribe.transfer(f"human:{agent}", [Draft("taken", body)])
        self.line.owned_by("human", agent)

    async def say(self, agent: str, text: str) -> None:
        await self.scribe.write([Draft("agent_said", {"agent": agent, "text": text})])
        self.line.agent_says(text)

    async def give_back(self, agent: str) -> None:
        body = {"agent": agent, "generation": self.scribe.generation + 1}
        await self.scribe.transfer("bot", [Draft("given_back", body)], state="IN_PROGRESS")
        self.line.owned_by("bot")
        self._verdict.put_nowait("given_back")

    def end(self) -> None:
        """The closing event is already on record."""
        self._verdict.put_nowait("ended")


async def guarded(chat: Chat) -> None:
    """The task around a chat: no fault of one may go unseen, or reach another."""
    try:
        await chat.run()
        return
    except HuifangError as error:
        log.error("chat.failed", callback=chat.callback, error=type(error).__name__)
    except Exception:
        log.exception("chat.fault", callback=chat.callback)
    # Nobody reads this line any more: whoever writes on would write to nobody.
    chat.line.note(BROKEN)
    await chat.line.close()
