"""Whole conversations, each a YAML file that a compliance officer can read."""

from pathlib import Path

import pytest

from bot.callbacks import Conversations
from tests.flow.scenario import play, read

SCENARIOS = sorted((Path(__file__).parent / "scenarios").glob("*.yml"))

pytestmark = [pytest.mark.rasa, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
async def test_scenario(path: Path, conversations: Conversations) -> None:
    await play(read(path), conversations)
