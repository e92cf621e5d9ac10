"""Before anybody has answered: who is told from whom, and when the bot begins to speak."""

from __future__ import annotations

import asyncio
from typing import Literal

import pytest

from bot.phone.ringing import ANSWERED, GONE, until_answered
from voice.frames import Hangup, Key, LineEvent, Utterance


class RingingLine:
    """A line that yields what the carrier plays; nothing may be said on it."""

    kind: Literal["phone", "chat"] = "phone"

    def __init__(self, *events: LineEvent) -> None:
        self.events: asyncio.Queue[LineEvent] = asyncio.Queue()
        self.heard_all = asyncio.Event()
        for event in events:
            self.events.put_nowait(event)

    async def next(self) -> LineEvent:
        if self.events.empty():
            self.heard_all.set()
        return await self.events.get()


def said(text: str) -> Utterance:
    return Utterance(text, "voice", 0.9, 0, 1000)


async def ring(line: RingingLine, answered: asyncio.Event, *, blind: bool = False) -> str:
    return await until_answered(line, answered, lambda: blind, look_s=0.001)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("您好，您拨打的用户已关机，请稍后再拨。", "switched_off"),
        ("您拨打的号码是空号，请核对后再拨。", "no_such_number"),
        ("您所拨打的电话暂时无法接通", "unreachable"),
    ],
)
async def test_a_carriers_prompt_ends_the_wait(prompt: str, kind: str) -> None:
    line = RingingLine(said("喂喂"), said(prompt))
    assert await ring(line, asyncio.Event()) == kind


async def test_music_and_ringing_mean_nothing_until_somebody_answers() -> None:
    line, answered = RingingLine(said("爱你一万年"), said("")), asyncio.Event()
    waiting = asyncio.create_task(ring(line, answered))
    await line.heard_all.wait()
    assert not waiting.done()
    answered.set()
    assert await waiting == ANSWERED


async def test_a_key_before_the_answer_is_nobodys_key() -> None:
    line = RingingLine(Key("0", 0, None), Hangup(0, "caller"))
    assert await ring(line, asyncio.Event()) == GONE


async def test_the_carrier_gives_up() -> None:
    assert await ring(RingingLine(Hangup(0, "caller")), asyncio.Event()) == GONE


async def test_when_nobody_would_tell_of_an_answer_the_bot_speaks() -> None:
    assert await ring(RingingLine(), asyncio.Event(), blind=True) == ANSWERED


async def test_whoever_answered_before_the_line_opened_is_spoken_to_at_once() -> None:
    answered = asyncio.Event()
    answered.set()
    assert await ring(RingingLine(said("请在嘀声后留言")), answered) == ANSWERED
