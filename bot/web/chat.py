"""The policyholder's chat: the page and its WebSocket."""

from __future__ import annotations

import asyncio

import structlog
from aiohttp import WSCloseCode, web

from bot.errors import HuifangError, ServedElsewhere
from bot.web import wire
from bot.web.chatline import ChatLine, foreign_page
from bot.web.desk import ChatOver, Desk, LinkInvalid
from bot.web.sockets import BAD_MESSAGES, Outbox, accept, texts

log = structlog.get_logger()

HELLO_WITHIN_S = 10.0
SPEAK_WITHIN_S = 30.0
TRY_AGAIN = "系统暂时打不开这次回访，本页会继续尝试，您已作的回答都已保存。"
UNKNOWN = "这条消息无法识别，没有送出。"
CANNOT = "这次回访现在无法在网页上办理。"
NORMAL_RATE, SLOW_RATE = 1.0, 0.85


class ChatSockets:
    """Connects pages to the lines of the desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """GET /chat/ws. The first message brings the token, so that it stands in no URL."""
        ws = await accept(request)
        incoming = texts(ws)
        line = await self._line(ws, await self._hello(ws))
        if line is None:
            await ws.close()
            return ws
        outbox = Outbox(ws)
        writer = asyncio.create_task(outbox.run())
        reader = _Reader(self._desk, line, outbox)
        line.attach(outbox)
        try:
            async for raw in incoming:
                if not reader.take(raw):
                    await ws.close(code=WSCloseCode.POLICY_VIOLATION, message=b"refused")
        finally:
            line.detach(outbox)
            reader.cancel()
            writer.cancel()
        return ws

    async def _hello(self, ws: web.WebSocketResponse) -> wire.Hello | None:
        """None when the page does not say hello as it should."""
        try:
            async with asyncio.timeout(HELLO_WITHIN_S):
                hello = wire.parse_chat(await ws.receive_str())
        except (TypeError, TimeoutError, wire.BadMessage):
            return None
        return hello if isinstance(hello, wire.Hello) else None

    async def _line(self, ws: web.WebSocketResponse, hello: wire.Hello | None) -> ChatLine | None:
        if hello is None:
            return None
        try:
            return await self._desk.open_chat(hello.token, hello.browser)
        except HuifangError as error:
            log.info("chat.refused", error=type(error).__name__)
            foreign = await self._desk.language_of(hello.token)
            if not ws.closed:
                if foreign is not None:
                    await ws.send_str(foreign_page(foreign))
                text = _refusal(error)
                await ws.send_str(wire.encode("refused", text=text, retry=error.retryable))
            return None


def _refusal(error: HuifangError) -> str:
    """What a policyholder is told: words about the machine are for the log."""
    if isinstance(error, LinkInvalid | ChatOver | ServedElsewhere):
        return str(error)
    return TRY_AGAIN if error.retryable else CANNOT


class _Reader:
    """What one page sends, message by message."""

    def __init__(self, desk: Desk, line: ChatLine, outbox: Outbox) -> None:
        self._desk = desk
        self._line = line
        self._outbox = outbox
        self._bad = 0
        self._speaking: asyncio.Task[None] | None = None

    def take(self, raw: str) -> bool:
        """False when the page has sent too much nonsense."""
        try:
            message = wire.parse_chat(raw)
            if isinstance(message, wire.Speak):
                self._speak(message)
            else:
                self._line.receive(self._outbox, message)
        except wire.BadMessage as error:
            self._bad += 1
            log.warning("chat.bad_message", reason=str(error))
            self._outbox.send(wire.encode("notice", text=UNKNOWN))
        return self._bad < BAD_MESSAGES

    def cancel(self) -> None:
        if self._speaking:
            self._speaking.cancel()

    def _speak(self, wish: wire.Speak) -> None:
        """One at a time: rendering costs, and a page plays one sound at a time."""
        text = self._line.text_of(wish.seq)
        if text is None or (self._speaking and not self._speaking.done()):
            self._outbox.send(wire.encode("mute", seq=wish.seq, text="暂时无法朗读，请稍后再试。"))
            return
        rate = SLOW_RATE if wish.slow else NORMAL_RATE
        self._speaking = asyncio.create_task(self._render(wish.seq, text, rate))

    async def _render(self, seq: int, text: str, rate: float) -> None:
        """The answer is binary: the message's number (4 bytes, big-endian), then the WAV file."""
        try:
            async with asyncio.timeout(SPEAK_WITHIN_S):
                wav = await self._desk.speak(text, rate)
        except Exception as error:  # whatever the voice's trouble is, the page must hear of it
            log.warning("chat.mute", error=type(error).__name__)
            note = "语音朗读暂时不可用，请直接阅读文字，或转人工。"
            self._outbox.send(wire.encode("mute", seq=seq, text=note))
        else:
            self._outbox.send(seq.to_bytes(4, "big") + wav)
