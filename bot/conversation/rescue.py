"""Something broke: say so, and let a human take over.

Nothing is claimed that was not committed; without a store the hand-over itself is the exchange's
default. Needs no dialogue worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import structlog

from bot import off_loop
from bot.conversation.acting import Manner, Stage
from bot.conversation.ending import Result
from bot.conversation.scribe import Scribe
from bot.dialogue.protocol import Say, State
from bot.errors import OwnershipLost, StoreUnavailable
from bot.evidence.ledger import Draft
from bot.questionnaires.questionnaire import Script
from bot.store import Store
from voice.line import Line

log = structlog.get_logger()

RETRY_S = 2.0  # between two tries to write a hand-over down
LAST_WORDS_S = 10.0  # for saying that a human comes, which takes 3 s; whoever waits gets one unsaid


async def rescue(
    error: Exception, *, line: Line, script: Script, scribe: Scribe, manner: Manner, state: State
) -> Result:
    """Ends the bot's part of a conversation after `error`; `state`: the dialogue's."""
    log.error("conversation.rescue", callback=scribe.callback, error=type(error).__name__)
    line.stop()
    failed = Draft("failed", {"part": type(error).__name__, "error": str(error)})
    try:
        await hand_over(scribe, [failed], state)
    except (StoreUnavailable, OwnershipLost):
        log.error("conversation.rescue_unrecorded", callback=scribe.callback)
    stage = Stage(script, spoken=line.kind == "phone")
    plan = stage.plan([Say("H_now")], manner, first_seq=0)
    line.say([replace(s, id=f"rescue.{s.id}") for s in plan.speech])
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_WORDS_S):
            await line.drain()
    return Result("handed_over", state, "failure")


async def hand_over(scribe: Scribe, failed: Sequence[Draft], state: State | None = None) -> None:
    """Write down that a human takes over for a failure; `failed`: of what, `state`: the dialogue's
    where there is a newer one. Raises StoreUnavailable and OwnershipLost."""
    body = {"reason": "failure", "generation": scribe.generation + 1}
    drafts = [*failed, Draft("handed_over", body)]
    await scribe.transfer("queue", drafts, snapshot=state, state="HUMAN")


async def queued(store: Store, scribe: Scribe, state: State) -> None:
    """See to it that a hand-over is on record: while the store is away it is not, and no agent
    would see who waits."""
    while True:
        try:
            row = await off_loop.in_time(partial(store.callback, scribe.callback))
            if row.owner == "bot" and row.generation == scribe.generation:
                await hand_over(scribe, [], state)
            return
        except StoreUnavailable:
            await asyncio.sleep(RETRY_S)
        except OwnershipLost:  # this moment: somebody has it
            return
