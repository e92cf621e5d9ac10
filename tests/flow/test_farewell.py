"""What reaches us while the last words are spoken."""

from __future__ import annotations

import asyncio

from bot.acting import Manner
from bot.callbacks import Callbacks
from bot.dialogue.protocol import Close, Moved, Say
from bot.inquiries import Inquiries
from bot.performing import HUMAN_BUTTON, Performer
from bot.settings import Settings
from bot.store import Store
from tests.conftest import SteppingClock
from tests.flow.scripted_line import ScriptedLine
from tests.flow.test_faults import DeadDialogue
from voice.frames import Utterance

POLICY = "902626001083"


async def test_the_button_wins_over_a_farewell_and_words_are_kept(
    settings: Settings, store: Store
) -> None:
    clock, line = SteppingClock(), ScriptedLine("chat")
    callbacks = Callbacks(settings, store, clock=clock)
    callback = callbacks.open(POLICY, "chat")
    policy = store.policy_of(callback)
    script, scribe = callbacks.script(policy, "chat"), callbacks.scribe(callback)
    performer = Performer(
        line=line, script=script, dialogue=DeadDialogue(), scribe=scribe, manner=Manner(),
        inquiries=Inquiries(script, policy, scribe, clock), done={}, state={},
    )  # fmt: skip
    line.hold = True
    line._feed(Utterance("保单我还没有收到", "text", 1.0, 0, 0))
    line._feed(Utterance(HUMAN_BUTTON, "button", 1.0, 1, 1))
    async with asyncio.timeout(5):
        task = asyncio.create_task(performer.perform(Moved((Say("G_bye"), Close("goodbye")), {})))
        await line.idle()
        line.hold = False
        line._fed.set()
        await task
    assert performer.result is not None
    assert (performer.result.ending, performer.result.reason) == ("handed_over", "key")
    heard = [e.body["text"] for e in store.events(callback) if e.kind == "heard"]
    assert heard == ["保单我还没有收到", HUMAN_BUTTON]
    assert store.callback(callback).owner == "queue"
