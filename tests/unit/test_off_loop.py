"""A disk that hangs: a write does not fail, it never returns."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, cast

import pytest

from bot import off_loop
from bot.callbacks import Callbacks, Conversations
from bot.errors import StoreUnavailable
from bot.evidence.audio import AudioFile, StereoRecorder
from bot.evidence.ledger import Draft
from bot.phone.switchboard import Switchboard
from bot.settings import Settings
from bot.store import Store
from tests.conftest import POLICY, HandClock
from tests.unit.test_switchboard import UUID, Silent

QUICK_S = 5.0  # what is not held up takes milliseconds
CALLS = 40  # more than there are shared threads


@pytest.fixture
def back() -> Iterator[Event]:
    """Set when the disk answers again; at the end it does."""
    event = Event()
    yield event
    event.set()


@pytest.fixture
def switchboard(settings: Settings, store: Store, tmp_path: Path) -> Switchboard:
    nothing: Any = None
    conversations = Conversations(Callbacks(settings, store, HandClock()), nothing)
    return Switchboard(
        conversations, nothing, nothing, nothing, audio_folder=tmp_path, max_calls=CALLS
    )


async def test_a_store_that_hangs_is_not_waited_for_without_end(
    settings: Settings, store: Store, back: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    callbacks = Callbacks(settings, store, HandClock())
    scribe = callbacks.scribe(callbacks.open(POLICY, "phone"))
    monkeypatch.setattr(off_loop, "ANSWER_S", 0.05)
    monkeypatch.setattr(off_loop, "HAND_OVER_S", 0.05)
    for step in ("append", "transfer", "callback"):
        monkeypatch.setattr(store, step, lambda *_, **__: back.wait())
    handed = Draft("handed_over", {"reason": "key", "generation": 2})
    for writing in (
        scribe.write([Draft("silence", {"waited_s": 1.0})]),
        scribe.transfer("queue", [handed]),
        scribe.renew(),
    ):
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await asyncio.wait_for(writing, QUICK_S)


async def test_recordings_that_cannot_be_closed_hold_up_nobody_else(
    switchboard: Switchboard, store: Store, back: Event
) -> None:
    """Who presses 0 meanwhile needs a thread for writing that a human takes over."""

    class Hanging:
        def close(self) -> AudioFile:
            back.wait()
            return AudioFile(Path("a.wav.sealed"), "", 0, partial=True)

    known = switchboard._callbacks
    ended = known.scribe(known.open(POLICY, "phone"))
    filing = [
        asyncio.create_task(switchboard._file_recording(cast("StereoRecorder", Hanging()), ended))
        for _ in range(CALLS)
    ]
    for _ in range(3):  # all of them begin
        await asyncio.sleep(0)
    handed = Draft("handed_over", {"reason": "key", "generation": 2})
    await asyncio.wait_for(ended.transfer("queue", [handed], state="HUMAN"), QUICK_S)
    assert store.callback(ended.callback).owner == "queue"
    assert not any(task.done() for task in filing)
    back.set()
    await asyncio.wait_for(asyncio.gather(*filing), QUICK_S)


@pytest.mark.parametrize("where", ["pen", "recording"])
async def test_a_call_that_cannot_be_begun_is_a_humans(
    switchboard: Switchboard, store: Store, back: Event, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may even be opened later: nobody is kept from calling again, and nothing writes on."""
    monkeypatch.setattr("bot.phone.switchboard.PhoneLine", Silent)
    monkeypatch.setattr(off_loop, "ANSWER_S", 0.05)
    opened = Event()

    class Late(StereoRecorder):
        def __init__(self, *given: Any) -> None:
            hang("recording")
            super().__init__(*given)

        def close(self) -> AudioFile:
            closed = super().close()
            opened.set()
            return closed

    def hang(here: str) -> None:
        if here == where:
            back.wait()

    claim = switchboard._callbacks.scribe
    monkeypatch.setattr(switchboard._callbacks, "scribe", lambda id: (hang("pen"), claim(id))[1])
    monkeypatch.setattr("bot.phone.switchboard.StereoRecorder", Late)
    callback = switchboard._callbacks.open(POLICY, "phone")
    switchboard.expect(UUID, callback)
    await asyncio.wait_for(switchboard.on_call(UUID, cast(Any, Silent())), QUICK_S)
    assert await switchboard.next(UUID) == "", "the human queue"
    assert switchboard.calls == 0
    back.set()
    assert await asyncio.to_thread(partial(opened.wait, QUICK_S))
    assert switchboard._callbacks.served == frozenset()
