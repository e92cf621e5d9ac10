"""The chats that are open: from a link to the line that a page is attached to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from bot.callbacks import Conversations
from bot.chats.chat import Chat, guarded
from bot.errors import HuifangError, ServedElsewhere
from bot.evidence.states import COMPLETED, FINISHED, State
from bot.humans import casefile
from bot.questionnaires.foreign import Foreign
from bot.store import Callback
from bot.web.bell import Bell
from bot.web.chatline import ChatLine, Who
from bot.web.desk import ChatOver, LinkInvalid

LEAVES_WITHIN_S = 10.0  # a chat whose link was opened in another browser
HEARD_OUT_S = 5.0  # at shutdown, for all chats together
OVER: Mapping[State, str] = {
    **dict.fromkeys(COMPLETED, "本次回访已经完成，谢谢您。"),
    State.NOT_ME: "上次接听电话或打开链接的不是投保人本人，回访已停止，还没有完成。",
}
ENDED = "本次回访已经结束。"
NO_LINK = "这个链接无效或已过期，请联系客服重新获取。"
OLD_LINK = "您的保单信息已有更新，这个链接不再使用，请联系客服重新获取。"
EARLIER = "您之前的回答都已保存。为保护您的信息，这里不再显示之前的对话。"


class Chats:
    """One per process. `bell` is rung when a page comes or goes."""

    def __init__(self, conversations: Conversations, bell: Bell) -> None:
        self._conversations, self._callbacks = conversations, conversations.callbacks
        self._store, self._bell = self._callbacks.store, bell
        self._living: dict[str, Chat] = {}  # by callback
        self._tasks: dict[asyncio.Task[None], ChatLine] = {}
        self._opening = asyncio.Lock()

    def get(self, callback: str) -> Chat | None:
        return self._living.get(callback)

    async def close(self) -> None:
        """What had arrived is acted on first. Call it once no page can send any more."""
        running = dict(self._tasks)
        if running:
            heard = [asyncio.create_task(_heard_out(*one)) for one in running.items()]
            _, late = await asyncio.wait(heard, timeout=HEARD_OUT_S)
            for task in [*late, *running]:
                task.cancel()
            await asyncio.gather(*heard, *running, return_exceptions=True)

    async def open(self, token: str, browser: str = "") -> ChatLine:
        row = await self._linked(token)
        if await self._turned_out(row.id, browser):
            row = await self._linked(token)
        async with self._opening:
            live = self._living.get(row.id)
            if live is None:
                if row.state in FINISHED:
                    raise ChatOver(OVER.get(row.state, ENDED))
                live = await self._start(row, browser)
            elif live.browser != browser:  # one more was quicker
                raise ServedElsewhere
            return live.line

    async def language_of(self, token: str) -> Foreign | None:
        with suppress(HuifangError):
            return await asyncio.to_thread(self._language_of, token)
        return None

    def _language_of(self, token: str) -> Foreign | None:
        row = self._store.callback_by_token(token)
        return self._callbacks.foreign(self._store.policy_of(row.id)) if row else None

    async def _linked(self, token: str) -> Callback:
        row = await asyncio.to_thread(self._store.callback_by_token, token)
        if row is None:
            raise LinkInvalid(NO_LINK)
        if row.id not in self._living and await asyncio.to_thread(self._callbacks.outdated, row):
            raise LinkInvalid(OLD_LINK)
        return row

    async def _turned_out(self, callback: str, browser: str) -> bool:
        """Who opens the link in another browser is not known to be who proved identity in this one:
        that chat is over, and the next one asks again. Whether there was one."""
        live = self._living.get(callback)
        if live is None or live.browser == browser:
            return False
        live.line.leave()
        over = [task for task in self._tasks if task.get_name() == _name(callback)]
        await asyncio.wait(over, timeout=LEAVES_WITHIN_S)
        return True

    async def _start(self, row: Callback, browser: str) -> Chat:
        events = await asyncio.to_thread(self._store.events, row.id)
        # Whoever has the link is not known to be who spoke before: of that the page shows nothing.
        earlier = [casefile.wall(event) for event in events if event.kind == "called"]
        past: list[tuple[Who, str, datetime]] = [("note", EARLIER, at) for at in earlier[-1:]]
        policy = await asyncio.to_thread(self._store.policy_of, row.id)
        line = ChatLine(
            elder=self._callbacks.elder(policy),
            foreign=self._callbacks.foreign(policy),
            past=past,
            on_presence=lambda: self._moved(row.id),
        )
        chat = await asyncio.to_thread(
            Chat, self._conversations, row.id, line, self._bell.ring, browser
        )
        task = asyncio.create_task(guarded(chat), name=_name(row.id))
        self._living[row.id] = chat
        self._tasks[task] = line
        task.add_done_callback(self._tasks.pop)
        task.add_done_callback(lambda _: self._over(row.id))
        return chat

    def _moved(self, callback: str) -> None:
        """A page came or went: what an agent sees of it, and who waits first."""
        self._bell.ring(callback)
        self._bell.ring()

    def _over(self, callback: str) -> None:
        self._living.pop(callback, None)
        self._callbacks.leave(callback)


async def _heard_out(chat: asyncio.Task[None], line: ChatLine) -> None:
    """Until the chat has nothing left to do but wait for its page, or is over."""
    heard = asyncio.create_task(line.heard_out())
    try:
        await asyncio.wait({chat, heard}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        heard.cancel()


def _name(callback: str) -> str:
    return f"chat {callback}"
