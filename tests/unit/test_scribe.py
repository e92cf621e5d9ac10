"""The pen of a conversation counts its events without reading those that stand there already."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.callbacks import Callbacks
from bot.evidence.ledger import Draft, Event
from bot.settings import Settings
from bot.store import Store
from tests.conftest import NOW, POLICY, HandClock


async def test_a_pen_unseals_nothing_and_is_told_what_it_wrote(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Event] = []
    callbacks = Callbacks(settings, store, HandClock(), told.append)
    callback = callbacks.open(POLICY, "phone")
    with monkeypatch.context() as patch:
        patch.delattr(Store, "events")  # a call waits for each of them
        scribe = callbacks.scribe(callback)
        assert scribe.next_seq == 1
        slot = Draft("rescheduled", {"slot": "明天上午十点"})
        await scribe.book(NOW + timedelta(days=1), slot)
        assert scribe.next_seq == 2
        await scribe.write([Draft("silence", {"waited_s": 1.0})])
    assert [event.kind for event in told] == ["rescheduled", "silence"]
    assert [event.kind for event in store.events(callback)] == ["created", "rescheduled", "silence"]
    assert store.booked(callback) is not None
