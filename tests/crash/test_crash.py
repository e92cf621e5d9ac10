"""A short part of `make test-crash`, the same every time."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.dialogue.client import Dialogue
from tests.crash.crash import Crashes

pytestmark = pytest.mark.rasa


async def test_nothing_acknowledged_is_lost_or_repeated(
    tmp_path: Path, url: str, dialogue: Dialogue
) -> None:
    counts = await Crashes(tmp_path, url, dialogue, seed=7).run({"process": 7})
    print(counts)
    assert counts.good, counts
    assert counts.kills["process"] == 7
    assert counts.acknowledged > 20
    assert counts.completed >= 1
