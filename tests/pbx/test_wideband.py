"""The wideband line on a real exchange: chan_websocket, 16 kHz, keys as events."""

from __future__ import annotations

import wave
from collections.abc import AsyncIterator
from io import BytesIO

import pytest
import pytest_asyncio

from bot.evidence.recordings import Sealed
from bot.evidence.verify import verify_store
from tests.pbx.stage import Policyholder, Stage, agents, stage

KEYS = {"O4": "1", "I1": "say:yes", "I2": "key:birth", "B1": "1", "B2": "0 within"}
POLICY = "902626001067"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def wide(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("wide")
    async with stage(folder, {"yes": "是的，我是本人。"}, wideband_port=0) as made:
        yield made


async def test_a_call_over_chan_websocket_is_heard_recorded_and_handed_over(wide: Stage) -> None:
    async with agents(wide) as desk:
        phone, callback = await wide.call_in(POLICY)
        await Policyholder(wide, phone, callback, KEYS).play()
        await desk.answered_call(wide.policy(POLICY).phone, 20)
        await phone.hangup()
    await wide.until(lambda: wide.of(callback, "audio"))
    assert "WebSocket/huifang" in wide.exchange.log()
    assert [e.body["reason"] for e in wide.of(callback, "handed_over")] == ["key"]
    spoken = [e.body for e in wide.of(callback, "heard") if e.body["via"] == "voice"]
    assert [e["answer"] for e in spoken] == ["yes"]
    (audio,) = wide.of(callback, "audio")
    assert audio.body["rate"] == 16_000
    files = Sealed(wide.house.settings.audio_folder, wide.house.store.data_key(callback))
    data = files.read(audio.body["file"])
    assert data is not None
    with wave.open(BytesIO(data)) as file:
        assert file.getframerate() == 16_000
    for report in verify_store(wide.house.store, wide.house.settings.audio_folder):
        assert report.ok, str(report)
        assert report.utterances_matching == report.utterances == 1
