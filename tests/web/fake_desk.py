"""A desk on a script: a short callback without store, dialogue or voice.

It owns real `ChatLine`s and a real `Bell`; only what the application would decide is scripted.
"""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bot.errors import OwnershipLost
from bot.questionnaires.foreign import Foreign
from bot.web.bell import Bell
from bot.web.chatline import ChatLine
from bot.web.desk import Answered, Case, Changed, ChatOver, Entry, Fact, LinkInvalid, Waiting
from voice.frames import Hangup, Key, Played, Utterance
from voice.line import Speech

TOKEN = "chat-of-wang"
ELDER_TOKEN = "chat-of-zhao"

OPENING = (
    "您好，这里是安心人寿保险股份有限公司客户服务，我是智能语音助手，本服务由人工智能提供。",
    "您随时可以按“转人工”，由人工客服为您办理。",
)
ITEMS = {
    "B3": "保险合同您收到了吗？签收日期是2026年11月12日，对吗？",
    "B9": "犹豫期从您签收合同的次日2026年11月13日起共15天，到2026年11月27日止。期间您可以申请解除"
    "合同，公司按合同约定退还保费。您清楚吗？",
    "B10": "犹豫期后退保，公司退还的是现金价值，可能少于您交的保费，您会有损失。您清楚吗？",
}
GOODBYE = "三项内容都已记录。如需咨询，请拨打95500。谢谢您。"
MEANING = {"是": "yes", "1": "yes", "清楚": "yes", "不是": "no", "2": "no"}
POLICY = (
    Fact("投保人", "王秀兰"),
    Fact("保单号", "AX2026110800371"),
    Fact("产品", "安心传家终身寿险（分红型）"),
    Fact("保费", "每年12,000元，共交10年"),
    Fact("犹豫期", "2026-11-13 至 2026-11-27"),
)


def tone() -> bytes:
    """A real, short WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(range(0, 200, 2)) * 80)
    return file.getvalue()


@dataclass
class FakeChat:
    callback: str
    line: ChatLine
    who: str
    elder: bool
    owner: str = "bot"  # bot, queue, an agent's name, over
    reason: str = ""
    since: datetime | None = None
    ringing: tuple[str, ...] = ()
    index: int = 0
    answered: list[Answered] = field(default_factory=list)
    transcript: list[Entry] = field(default_factory=list)
    events: list[object] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    @property
    def summary(self) -> Waiting:
        owner = "" if self.owner in ("bot", "queue") else self.owner
        since = self.since or datetime.now(UTC)
        return Waiting(
            self.callback, "chat", self.who, self.reason, since, self.elder,
            severe="投诉" in self.reason, owner=owner, ringing=self.ringing,
        )  # fmt: skip


class FakeDesk:
    def __init__(self, **line_options: object) -> None:
        self.bell = Bell()
        self.chats: dict[str, FakeChat] = {}
        self.people = {TOKEN: ("王女士", False), ELDER_TOKEN: ("赵先生", True)}
        self.spoken: list[tuple[str, float]] = []
        self.browsers: list[str] = []  # whose pages opened a chat
        self.mute: Exception | None = None
        self.refusal: Exception | None = None
        self.over: set[str] = set()
        self.texts = dict(ITEMS)
        self.written: set[str] = set()  # items that a number answers
        self.phone: list[Waiting] = []
        self._line_options = line_options
        self._said = 0

    async def open_chat(self, token: str, browser: str = "") -> ChatLine:
        self.browsers.append(browser)
        if self.refusal:
            raise self.refusal
        if token in self.over:
            raise ChatOver("本次回访已经结束。")
        if token not in self.people:
            raise LinkInvalid("链接无效或已过期。")
        if token not in self.chats:
            who, elder = self.people[token]
            line = ChatLine(elder=elder, **self._line_options)  # type: ignore[arg-type]
            chat = FakeChat(f"cb-{token}", line, who, elder)
            self.chats[token] = chat
            chat.task = asyncio.create_task(self._converse(chat))
        return self.chats[token].line

    async def language_of(self, token: str) -> Foreign | None:
        return None

    async def close(self) -> None:
        for chat in self.chats.values():
            if chat.task:
                chat.task.cancel()
        tasks = [chat.task for chat in self.chats.values() if chat.task]
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- console

    async def waiting(self) -> Sequence[Waiting]:
        queued = [chat.summary for chat in self.chats.values() if chat.owner == "queue"]
        return sorted(queued + self.phone, key=lambda w: (not w.severe, not w.elder, w.since))

    async def held_by(self, agent: str) -> Sequence[Waiting]:
        return [chat.summary for chat in self.chats.values() if chat.owner == agent]

    async def take(self, callback: str, agent: str) -> Case:
        chat = self._chat(callback)
        if chat.owner != "queue":
            raise OwnershipLost("这位客户已由其他坐席接管。")
        self._own(chat, agent)
        chat.line.owned_by("human", agent)
        return self._case(chat)

    async def case(self, callback: str, agent: str) -> Case:
        chat = self._chat(callback)
        return self._case(chat if agent in chat.ringing else self._owned(callback, agent))

    async def look(self, callback: str, agent: str) -> Case:
        return await self.case(callback, agent)

    def ring(self, token: str, *agents: str) -> None:
        self.chats[token].ringing = agents
        self.bell.ring()

    async def agent_say(self, callback: str, agent: str, text: str) -> None:
        chat = self._owned(callback, agent)
        chat.line.agent_says(text)
        self._write(chat, "agent", text)

    async def give_back(self, callback: str, agent: str) -> None:
        chat = self._owned(callback, agent)
        self._own(chat, "bot")
        chat.line.owned_by("bot")
        self._ask(chat)

    async def end(self, callback: str, agent: str) -> None:
        chat = self._owned(callback, agent)
        self._own(chat, "over")
        await chat.line.close()

    def watch(self) -> AsyncGenerator[Changed, None]:
        return self.bell.watch()

    async def speak(self, text: str, rate: float) -> bytes:
        if self.mute:
            raise self.mute
        self.spoken.append((text, rate))
        return tone()

    # --- the scripted conversation

    async def _converse(self, chat: FakeChat) -> None:
        self.say(chat, *OPENING)
        self._ask(chat)
        while True:
            event = await chat.line.next()
            chat.events.append(event)
            match event:
                case Hangup():
                    return
                case Played():
                    continue
                case Utterance(text=text, over=over) | Key(digit=text, over=over):
                    self._write(chat, "caller", text)
                    if chat.owner == "bot":
                        self._hear(chat, text, over)

    def _hear(self, chat: FakeChat, text: str, over: str | None) -> None:
        if text in ("0", "转人工"):
            chat.reason, chat.since = "客户要求转人工", datetime.now(UTC)
            self._own(chat, "queue")
            chat.line.owned_by("queue")
        elif over is None and text in MEANING:
            item = list(self.texts)[chat.index]
            answer = "yes" if MEANING[text] == "yes" else "no"
            done = Answered(item, self.texts[item], answer, answer == "yes", text)
            chat.answered.append(done)
            chat.index += 1
            self._ask(chat)
        else:
            self._ask(chat)

    def _ask(self, chat: FakeChat) -> None:
        items = list(self.texts)
        if chat.index < len(items):
            chat.line.progress(chat.index + 1, len(items))
            self.say(chat, self.texts[items[chat.index]], id=items[chat.index])
            chat.line.listen(8.0, keys=items[chat.index] not in self.written)
        else:
            self.say(chat, GOODBYE)
            chat.owner = "over"
            chat.task = asyncio.create_task(self._leave(chat))

    async def _leave(self, chat: FakeChat) -> None:
        await chat.line.drain()
        await chat.line.close()

    def say(self, chat: FakeChat, *texts: str, id: str = "S") -> None:
        for text in texts:
            self._said += 1
            chat.line.say([Speech(f"{id}.{self._said}", text)])
            self._write(chat, "bot", text, id)

    def _write(self, chat: FakeChat, who: str, text: str, clause: str = "") -> None:
        chat.transcript.append(Entry(who, text, datetime.now(UTC), clause))  # type: ignore[arg-type]
        self.bell.ring(chat.callback)

    def _own(self, chat: FakeChat, owner: str) -> None:
        chat.owner = owner
        self.bell.ring()
        self.bell.ring(chat.callback)

    def _chat(self, callback: str) -> FakeChat:
        for chat in self.chats.values():
            if chat.callback == callback:
                return chat
        raise OwnershipLost("没有这次回访。")

    def _owned(self, callback: str, agent: str) -> FakeChat:
        chat = self._chat(callback)
        if chat.owner != agent:
            raise OwnershipLost("这次回访已不在您名下。")
        return chat

    def _case(self, chat: FakeChat) -> Case:
        items = list(self.texts.items())[chat.index :]
        return Case(
            summary=replace(chat.summary),
            identity="verified",
            policy=POLICY,
            answered=tuple(chat.answered),
            open_items=tuple(Fact(id, text) for id, text in items),
            transcript=tuple(chat.transcript),
            present=chat.line.present,
        )
