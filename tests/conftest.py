"""What tests share: the real dialogue once, and a fresh house per test on its own data folder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from bot import parts
from bot.callbacks import Callbacks, Conversations
from bot.cli.importing import import_policies
from bot.dialogue.client import Dialogue
from bot.settings import ROOT, Settings
from bot.store import Store
from tests import memory
from tests.databases import keys, postgres, url

__all__ = ["keys", "postgres", "url"]

POLICY = "902626001083"
"""Of the examples: 15 years to pay, a cooling-off period of 15 days that ends on 2026-12-05."""
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def pytest_configure() -> None:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory.folder()))


class SteppingClock:
    """Wall time stands still, monotonic time counts the looks at it."""

    def __init__(self) -> None:
        self._looks = 0

    def now(self) -> datetime:
        return NOW

    def mono_ms(self) -> int:
        self._looks += 1
        return self._looks


class HandClock:
    """Both times stand still until a test moves them."""

    def __init__(self, wall: datetime = NOW) -> None:
        self.wall, self.mono = wall, 1

    def now(self) -> datetime:
        return self.wall

    def mono_ms(self) -> int:
        return self.mono


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", audiosocket_port=0, telephony_port=0, web_port=0)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def dialogue() -> AsyncIterator[Dialogue]:
    """The real dialogue workers, started once for all tests."""
    client = parts.open_dialogue(Settings(dialogue_workers=1))
    await client.start()
    yield client
    await client.close()


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """A store with the example policies in it."""
    settings.data.mkdir()
    import_policies(settings, ROOT / "examples" / "policies.csv")
    with Store.open(settings.database_url, settings.key_folder) as opened:
        yield opened


@pytest.fixture
def conversations(settings: Settings, store: Store, dialogue: Dialogue) -> Conversations:
    return Conversations(Callbacks(settings, store, clock=SteppingClock()), dialogue)
