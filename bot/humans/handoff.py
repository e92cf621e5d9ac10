"""The humans' side: who waits, who has whom, and what an agent may do. Implements `web.desk.Desk`.

A transfer is committed first, announced second, executed third (docs: "One owner"). The store's
generation number decides between two agents who reach for the same case; memory decides nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from bot.callbacks import Conversations
from bot.chats.chat import Chat
from bot.chats.chats import Chats
from bot.conversation.ending import closing
from bot.conversation.scribe import Scribe
from bot.errors import HuifangError, OwnershipLost
from bot.evidence.ledger import Draft, Event
from bot.evidence.states import FINISHED
from bot.humans import casefile
from bot.questionnaires.foreign import Foreign
from bot.records.damage import passed_over
from bot.store import Callback
from bot.web.bell import Bell
from bot.web.chatline import ChatLine
from bot.web.desk import Case, Changed, Waiting
from voice.speaking import Speaker, wav

READ_ALOUD_RATE = 24000  # Hz
NOT_YOURS = "这个会话不在您手上，可能已由同事接手或已结束。"
PHONE_ONLY_ON_PHONE = "电话会话请在电话中与客户沟通。"
ELSEWHERE = (
    "客户的网页不在本工作台所连的服务器上，消息无法从这里送达；"
    "请在那台服务器的工作台继续，或改用电话联系客户。"
)
LEFT = "客户已离开网页，消息无法送达，也不能交还智能助手；请改用电话联系客户，或结束会话。"


class HumanDesk:
    """One per process."""

    def __init__(self, conversations: Conversations, speaker: Speaker) -> None:
        self._callbacks = conversations.callbacks
        self._store, self._speaker = self._callbacks.store, speaker
        self._bell = Bell()
        self._chats = Chats(conversations, self._bell)
        self._ringing: dict[str, set[str]] = {}  # callback → agents whose telephone rings
        self._on_phone: set[str] = set()  # callers of whom the exchange told, until they hang up

    def on_event(self, event: Event) -> None:
        """Called for every committed event: screens follow the ledger, nothing else."""
        self._bell.ring(event.callback)
        chat = self._chats.get(event.callback)
        if chat and event.kind == "asked" and event.body["item"]:
            chat.asked(event.body["clause"])
        if event.kind in {"handed_over", "taken", "given_back", "closed"}:
            self._bell.ring()

    def changed(self, callback: str, moved: bool) -> None:
        """A bot on the same store has written: screens read it. Empty: any. What only went on in
        a conversation changes no queue."""
        if callback:
            self._bell.ring(callback)
        if moved:
            self._bell.ring()

    async def close(self) -> None:
        await self._chats.close()

    # -- the policyholder's chat

    async def open_chat(self, token: str, browser: str = "") -> ChatLine:
        return await self._chats.open(token, browser)

    async def language_of(self, token: str) -> Foreign | None:
        return await self._chats.language_of(token)

    # -- the agents' console

    async def waiting(self) -> Sequence[Waiting]:
        found = await asyncio.to_thread(self._summaries, "queue")
        return sorted(
            found, key=lambda w: (not self._there(w.callback), not w.severe, not w.elder, w.since)
        )

    def _there(self, callback: str) -> bool:
        """Whether somebody waits at this moment: who was promised a call, or has left, does not."""
        chat = self._chats.get(callback)
        return chat.line.present if chat else callback in self._on_phone

    async def held_by(self, agent: str) -> Sequence[Waiting]:
        return await asyncio.to_thread(self._summaries, f"human:{agent}")

    def _summaries(self, owner: str) -> list[Waiting]:
        found = []
        for id in self._store.with_humans(owner):
            with passed_over("desk.unreadable", callback=id):
                found.append(self._summary(self._store.callback(id), self._store.events(id)))
        return found

    def _summary(self, row: Callback, events: Sequence[Event]) -> Waiting:
        policy = self._store.policy_of(row.id)
        return casefile.waiting(
            row,
            policy,
            events,
            elder=self._callbacks.elder(policy),
            chatting=self._chats.get(row.id) is not None,
            ringing=tuple(sorted(self._ringing.get(row.id, ()))),
        )

    async def take(self, callback: str, agent: str) -> Case:
        row = await asyncio.to_thread(self._store.callback, callback)
        if row.owner != "queue":
            raise OwnershipLost("这个会话已由其他同事接手。")
        await self._give(callback, agent)
        return await self.case(callback, agent)

    async def case(self, callback: str, agent: str) -> Case:
        return await asyncio.to_thread(self._case, callback, agent)

    async def look(self, callback: str, agent: str) -> Case:
        found = await self.case(callback, agent)
        if not await asyncio.to_thread(self._just_viewed, callback, agent):
            scribe = await self._pen(callback)
            await scribe.note(Draft("viewed", {"by": agent}))
        return found

    def _just_viewed(self, callback: str, agent: str) -> bool:
        """A page that comes back, or a second click, is no second view."""
        last = self._store.events(callback)[-1]
        return last.kind == "viewed" and last.body["by"] == agent

    def _case(self, callback: str, agent: str) -> Case:
        ringing = agent in self._ringing.get(callback, ())
        row = self._store.callback(callback) if ringing else self._owned(callback, agent)
        events = self._store.events(callback)
        policy = self._store.policy_of(callback)
        chat = self._chats.get(callback)
        return casefile.case(
            self._summary(row, events),
            policy,
            self._callbacks.script(policy),
            events,
            present=self._there(callback),
            finished=row.state in FINISHED,
            chat_since=chat.since if chat else None,
        )

    async def agent_say(self, callback: str, agent: str, text: str) -> None:
        chat = await self._chat(callback, agent)
        await chat.say(agent, text)

    async def give_back(self, callback: str, agent: str) -> None:
        chat = await self._chat(callback, agent)
        await chat.give_back(agent)

    async def end(self, callback: str, agent: str) -> None:
        """A human's end: what was answered stands, what is open stays open."""
        await asyncio.to_thread(self._owned, callback, agent)
        chat = self._chats.get(callback)
        scribe = await self._pen(callback)
        progress = await asyncio.to_thread(self._callbacks.progress, callback)
        closed = closing(progress, "ended_by_human")
        await scribe.transfer(
            "bot", [closed], state=closed.body["state"], outcome=closed.body["outcome"]
        )
        if chat:
            chat.end()

    def watch(self) -> AsyncGenerator[Changed, None]:
        return self._bell.watch()

    async def speak(self, text: str, rate: float) -> bytes:
        clip = await self._speaker.render(text, rate=rate, sample_rate=READ_ALOUD_RATE, urgent=True)
        return wav.encode(clip.pcm, clip.sample_rate)

    # -- the agents' telephones

    def rings(self, callback: str, agent: str) -> None:
        """The queue rings this agent for a call: the conversation is on the agent's screen now."""
        self._ringing.setdefault(callback, set()).add(agent)
        self._on_phone.add(callback)
        self._bell.ring()

    async def answered(self, callback: str, agent: str) -> None:
        """This agent took the call, and with it the conversation, whoever took that on the screen
        meanwhile: the policyholder talks to this one. Raises OwnershipLost."""
        self._ringing.pop(callback, None)
        row = await asyncio.to_thread(self._store.callback, callback)
        if row.owner == "bot":
            raise OwnershipLost(NOT_YOURS)
        if row.owner != f"human:{agent}":
            await self._give(callback, agent)

    def quiet(self, callback: str) -> None:
        """The caller has hung up: nobody's telephone rings for this call any more."""
        self._on_phone.discard(callback)
        self._bell.ring(callback)
        if self._ringing.pop(callback, None):
            self._bell.ring()

    # -- inside

    async def _give(self, callback: str, agent: str) -> None:
        chat = self._chats.get(callback)
        if chat is not None:
            await chat.take(agent)
            return
        scribe = await asyncio.to_thread(self._callbacks.scribe, callback)
        body = {"agent": agent, "generation": scribe.generation + 1}
        await scribe.transfer(f"human:{agent}", [Draft("taken", body)])

    async def _pen(self, callback: str) -> Scribe:
        """The chat's own where there is one: two pens would count the events apart."""
        chat = self._chats.get(callback)
        return chat.scribe if chat else await asyncio.to_thread(self._callbacks.scribe, callback)

    async def _chat(self, callback: str, agent: str) -> Chat:
        row = await asyncio.to_thread(self._owned, callback, agent)
        chat = self._chats.get(callback)
        if chat is None:
            events = await asyncio.to_thread(self._store.events, callback)
            if casefile.way(row, events) != "chat":
                raise HuifangError(PHONE_ONLY_ON_PHONE)
            here = self._callbacks.bot
            away = await asyncio.to_thread(self._store.sharing.served_elsewhere, callback, here)
            raise HuifangError(ELSEWHERE if away else LEFT)
        if chat.scribe.generation != row.generation:  # taken at another bot
            await chat.scribe.renew()
        return chat

    def _owned(self, callback: str, agent: str) -> Callback:
        row = self._store.callback(callback)
        if row.owner != f"human:{agent}":
            raise OwnershipLost(NOT_YOURS)
        return row
