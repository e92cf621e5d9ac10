"""Who opened a record, and who carried it out, stands in the record."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.callbacks import Conversations
from bot.errors import OwnershipLost, UnderWay
from bot.evidence.completeness import missing
from bot.evidence.export import export
from bot.evidence.export_many import LIST, NOT_NOW, export_many
from bot.evidence.ledger import Draft
from bot.evidence.verify import verify_store
from bot.humans.handoff import HumanDesk
from bot.parts import open_voice
from bot.records.sealing import Sealer
from bot.settings import Settings
from bot.store import Store
from tests.conftest import POLICY
from tests.unit.evidence_case import NOW, Pen

pytestmark = [pytest.mark.rasa, pytest.mark.asyncio(loop_scope="session")]


def waiting(conversations: Conversations, channel: str) -> str:
    """A callback in the human queue."""
    callback = conversations.callbacks.open(POLICY, channel)
    pen = Pen(conversations.callbacks.store, callback)
    pen.write(Draft("called", {"line": channel}), state="IN_PROGRESS")
    handed = Draft("handed_over", {"reason": "key", "generation": 2})
    conversations.callbacks.store.transfer(callback, 1, "queue", [handed], NOW, 9, state="HUMAN")
    return callback


def kinds(store: Store, callback: str) -> list[str]:
    return [event.kind for event in store.events(callback)]


async def test_opening_a_record_is_on_record(
    conversations: Conversations, settings: Settings, store: Store
) -> None:
    desk = HumanDesk(conversations, open_voice(settings))
    callback = waiting(conversations, "phone")
    await desk.take(callback, "李娜")
    for _ in range(3):  # a page that comes back is no second view
        assert (await desk.look(callback, "李娜")).policy
    assert kinds(store, callback)[-2:] == ["taken", "viewed"]
    assert store.events(callback)[-1].body == {"by": "李娜"}
    await desk.case(callback, "李娜")  # the screen refreshes by itself: nobody opened anything
    Pen(store, callback).write(Draft("agent_said", {"text": "您好"}))
    await desk.look(callback, "李娜")
    assert kinds(store, callback)[-2:] == ["agent_said", "viewed"]
    with pytest.raises(OwnershipLost):
        await desk.look(callback, "王明")
    assert kinds(store, callback).count("viewed") == 2


async def test_a_view_goes_through_the_pen_of_a_living_chat(
    conversations: Conversations, settings: Settings, store: Store
) -> None:
    """A second pen would leave the chat's own numbers behind."""
    desk = HumanDesk(conversations, open_voice(settings))
    callback = waiting(conversations, "chat")
    await desk.open_chat(store.token_for(callback))
    await desk.take(callback, "李娜")
    await desk.look(callback, "李娜")
    (chat,) = desk._chats._living.values()
    assert chat.scribe.next_seq == len(store.events(callback))
    await desk.agent_say(callback, "李娜", "您好")
    assert kinds(store, callback)[-2:] == ["viewed", "agent_said"]
    await desk.close()


async def test_an_export_is_on_record_and_in_the_export(
    conversations: Conversations, settings: Settings, store: Store, tmp_path: Path
) -> None:
    callback = conversations.callbacks.open(POLICY, "chat")
    pen = Pen(store, callback)
    closed = {"outcome": "hangup", "state": "INCOMPLETE"}
    pen.write(Draft("called", {"line": "chat"}), state="IN_PROGRESS")
    sealer = Sealer(store, settings)
    with pytest.raises(UnderWay, match="try again when it is over"):
        export(store, settings.audio_folder, callback, tmp_path / "busy", sealer)
    assert not (tmp_path / "busy").exists()
    rows = store.listed()
    done = export_many(store, settings.audio_folder, rows, tmp_path / "many", sealer)
    assert done.records == 0
    assert f"{callback}," in (tmp_path / "many" / LIST).read_text("utf-8-sig")
    assert NOT_NOW in (tmp_path / "many" / LIST).read_text("utf-8-sig")
    assert kinds(store, callback)[-1] == "called"

    pen.write(Draft("closed", closed), state="INCOMPLETE", outcome="hangup")
    folder = export(store, settings.audio_folder, callback, tmp_path / "done", sealer)
    assert kinds(store, callback)[-2:] == ["closed", "exported"]
    assert store.events(callback)[-1].body["by"]
    assert b'"kind":"exported"' in (folder / "events.jsonl").read_bytes()
    assert "导出" in (folder / "index.html").read_text("utf-8")
    assert missing(store.events(callback), state="INCOMPLETE") == []
    (report,) = verify_store(store)
    assert report.ok, report
