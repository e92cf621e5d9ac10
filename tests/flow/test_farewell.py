"""What reaches us while the last words are spoken."""

from __future__ import annotations

import asyncio

from bot.callbacks import Callbacks
from bot.conversation.acting import Manner
from bot.conversation.inquiries import Inquiries
from bot.conversation.performing import HUMAN_BUTTON, Performer
from bot.dialogue.port import Dialogue
from bot.dialogue.protocol import Close, Item, Moved, Say, Start
from bot.settings import Settings
from bot.store import Store
from tests.conftest import POLICY, SteppingClock
from tests.flow.desks import DeadDialogue
from tests.flow.scripted_line import ScriptedLine
from voice.frames import Utterance


async def leave(
    settings: Settings, store: Store, dialogue: Dialogue, *said: Utterance
) -> tuple[str, Performer]:
    """A farewell during which `said` comes in. Returns the callback, too."""
    clock, line = SteppingClock(), ScriptedLine("chat")
    callbacks = Callbacks(settings, store, clock=clock)
    callback = callbacks.open(POLICY, "chat")
    policy = store.policy_of(callback)
    script, scribe = callbacks.script(policy, "chat"), callbacks.scribe(callback)
    alive = not isinstance(dialogue, DeadDialogue)
    state = (await dialogue.begin(Start((Item("B1"),)))).state if alive else {}
    performer = Performer(
        line=line, script=script, dialogue=dialogue, scribe=scribe, manner=Manner(),
        inquiries=Inquiries(script, policy, scribe, clock), done={}, state=state,
    )  # fmt: skip
    line.hold = True
    for utterance in said:
        line._feed(utterance)
    async with asyncio.timeout(10):
        task = asyncio.create_task(
            performer.perform(Moved((Say("G_bye"), Close("goodbye")), state))
        )
        await line.idle()
        line.hold = False
        line._fed.set()
        await task
    return callback, performer


def heard(store: Store, callback: str) -> list[str]:
    return [e.body["text"] for e in store.events(callback) if e.kind == "heard"]


def ended(performer: Performer) -> tuple[str, str]:
    assert performer.result is not None
    return performer.result.ending, performer.result.reason


async def test_the_button_wins_over_a_farewell_and_words_are_kept(
    settings: Settings, store: Store
) -> None:
    words = Utterance("保单我还没有收到", "text", 1.0, 0, 0)
    button = Utterance(HUMAN_BUTTON, "button", 1.0, 1, 1)
    callback, performer = await leave(settings, store, DeadDialogue(), words, button)
    assert ended(performer) == ("handed_over", "key")
    assert heard(store, callback) == ["保单我还没有收到", HUMAN_BUTTON]
    assert store.callback(callback).owner == "queue"


async def test_so_does_the_wish_in_words_and_nothing_else(
    settings: Settings, store: Store, dialogue: Dialogue
) -> None:
    thanks, wish = (
        Utterance(text, "text", 1.0, 0, 0) for text in ("谢谢，再见", "等等，我要找人工")
    )
    callback, performer = await leave(settings, store, dialogue, thanks, wish)
    assert ended(performer) == ("handed_over", "request")
    assert heard(store, callback) == [thanks.text, wish.text]
    assert store.callback(callback).owner == "queue"


async def test_thanks_end_nothing_but_the_call(
    settings: Settings, store: Store, dialogue: Dialogue
) -> None:
    callback, performer = await leave(
        settings, store, dialogue, Utterance("好的谢谢", "text", 1.0, 0, 0)
    )
    assert ended(performer) == ("closed", "goodbye")
    assert heard(store, callback) == ["好的谢谢"]
