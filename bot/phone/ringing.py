"""A call that we placed and nobody has answered yet: listen, and say nothing.

Carriers say in the sound before an answer (early media) what the cause of the hang-up often hides:
switched off, no such number, out of reach. Music and ringing there mean nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from bot.conversation.answering import machine
from voice.frames import Hangup, Utterance
from voice.line import Line

ANSWERED: Final = "answered"
GONE: Final = ""
LOOK_S = 1.0  # how often we look whether we would be told of an answer
LONGEST_S = 150.0  # no exchange lets it ring longer than that: somebody is there


async def until_answered(
    line: Line, answered: asyncio.Event, blind: Callable[[], bool], look_s: float = LOOK_S
) -> str:
    """ANSWERED, the machine that spoke (a word of `conversation.answering`), or GONE when it rings
    no more.

    `blind`: nobody would tell us of an answer (the manager is away). Then we go on as if there had
    been one: the opening, spoken to a ringing telephone, does no harm; silence to a person does."""
    loop = asyncio.get_running_loop()
    longest = loop.time() + LONGEST_S
    picked_up = asyncio.create_task(answered.wait())
    heard = asyncio.create_task(line.next())
    blindly = 0  # looks in a row
    try:
        while blindly < 2 and loop.time() < longest and not answered.is_set():
            done, _ = await asyncio.wait(
                {picked_up, heard}, timeout=look_s, return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                blindly = blindly + 1 if blind() else 0
            elif heard in done:
                event = heard.result()
                if isinstance(event, Hangup):
                    return GONE
                if isinstance(event, Utterance) and (kind := machine(event.text)):
                    return kind
                heard = asyncio.create_task(line.next())
        return ANSWERED
    finally:
        picked_up.cancel()
        heard.cancel()
