"""What a start mends when the last process died between the end of a call and its recording."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.callbacks import Callbacks
from bot.cli.importing import import_policies
from bot.conversation.ending import Progress
from bot.evidence.ledger import Draft
from bot.evidence.verify import verify_store
from bot.records.recovery import MARGIN_S, MARKER, recording_name, recover_all
from bot.settings import ROOT, Settings
from bot.store import Store
from tests.harm import damage
from tests.unit.evidence_case import Pen, new_callback, record_call


@pytest.fixture
def callbacks(url: str, tmp_path: Path) -> Callbacks:
    settings = Settings(data=tmp_path / "data", database=url)
    settings.audio_folder.mkdir(parents=True)
    return Callbacks(settings, Store.open(url, settings.key_folder))


def closed_without_recording(callbacks: Callbacks, number: str) -> Path:
    """The call is over and committed; the recording lies there, named by no event."""
    store = callbacks.store
    callback = new_callback(store, number)
    pen = Pen(store, callback)
    pen.write(Draft("created", {"policy": number, "questionnaire": "zh-2026.1"}), state="READY")
    pen.write(Draft("called", {"line": "phone"}), state="IN_PROGRESS")
    closed = {"outcome": "done", "state": "COMPLETED_CLEAN"}
    pen.write(Draft("closed", closed), state="COMPLETED_CLEAN", outcome="done")
    name = recording_name(callback, "0123456789")
    return record_call(callbacks.settings.audio_folder / name, store.data_key(callback)).path


def test_a_recording_that_was_not_filed_is_filed(callbacks: Callbacks) -> None:
    folder = callbacks.settings.audio_folder
    closed_without_recording(callbacks, "P1")
    (before,) = verify_store(callbacks.store, folder)
    assert before.missing == ("the call of event 1 has no recording",)
    assert recover_all(callbacks, folder) == 1
    (after,) = verify_store(callbacks.store, folder)
    assert after.ok, after
    assert recover_all(callbacks, folder) == 0


def test_only_what_is_younger_than_the_last_recovery_is_looked_at(callbacks: Callbacks) -> None:
    folder = callbacks.settings.audio_folder
    assert recover_all(callbacks, folder) == 0
    began = (folder / MARKER).stat().st_mtime
    old, young = (closed_without_recording(callbacks, f"P{n}") for n in range(2))
    os.utime(old, (began, began - MARGIN_S - 1))
    assert recover_all(callbacks, folder) == 1
    reports = verify_store(callbacks.store, folder)
    assert {r.callback: r.ok for r in reports} == {
        old.name.partition(".")[0]: False,
        young.name.partition(".")[0]: True,
    }


def test_a_talk_that_died_is_ended_however_many_broken_off_ones_came_after_it(
    callbacks: Callbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it stays in progress for ever, and its booking waits for the end of the talk."""
    monkeypatch.setattr("bot.store.store.MAX_PAGE", 2)
    store = callbacks.store
    died, *later = (new_callback(store, f"P{n}", "chat") for n in range(4))
    for callback, state in ((died, "IN_PROGRESS"), *((id, "INCOMPLETE") for id in later)):
        pen = Pen(store, callback)
        pen.write(Draft("created", {"policy": "P", "questionnaire": "zh-2026.1"}), state="READY")
        pen.write(Draft("called", {"line": "chat"}), state="IN_PROGRESS")
        pen.write(Draft("silence", {"waited_s": 1.0}), state=state)
    monkeypatch.setattr(callbacks, "progress", lambda _: Progress(2, {}))
    assert recover_all(callbacks, callbacks.settings.audio_folder) == 1
    assert store.callback(died).state == "INCOMPLETE"


def test_who_had_answered_all_when_the_process_died_is_broken_off_on_record_too(
    callbacks: Callbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the record says that it is completed, the store that it is not, and it fails its check:
    what was being said when the process died may have taken the last answer back."""
    pen = Pen(callbacks.store, new_callback(callbacks.store, "P1", "chat"))
    pen.write(Draft("created", {"policy": "P1", "questionnaire": "zh-2026.1"}), state="READY")
    pen.write(Draft("called", {"line": "chat"}), state="IN_PROGRESS")
    monkeypatch.setattr(callbacks, "progress", lambda _: Progress(1, {"B1": True}))
    folder = callbacks.settings.audio_folder
    assert recover_all(callbacks, folder) == 1
    (report,) = verify_store(callbacks.store, folder)
    assert report.ok, report
    assert callbacks.store.events(pen.callback)[-1].body["state"] == "INCOMPLETE"


def test_a_damaged_record_keeps_the_bot_from_nothing(callbacks: Callbacks) -> None:
    store, folder = callbacks.store, callbacks.settings.audio_folder
    damaged = new_callback(store, "P0", "chat")
    Pen(store, damaged).write(Draft("silence", {"waited_s": 1.0}), state="IN_PROGRESS")
    damage(store, damaged)
    closed_without_recording(callbacks, "P1")
    assert recover_all(callbacks, folder) == 1


def test_a_damaged_recording_keeps_no_other_of_its_record_unfiled(callbacks: Callbacks) -> None:
    folder, store = callbacks.settings.audio_folder, callbacks.store
    whole = closed_without_recording(callbacks, "P1")
    callback = whole.name.partition(".")[0]
    (folder / f"{callback}.00000000.wav.sealed").write_bytes(b"no recording of ours" * 9)
    assert recover_all(callbacks, folder) == 1
    filed = [e.body["file"] for e in store.events(callback) if e.kind == "audio"]
    assert filed == [whole.name.removesuffix(".sealed")]


def test_a_file_of_no_callback_stops_nothing(callbacks: Callbacks) -> None:
    folder = callbacks.settings.audio_folder
    (folder / "stranger.wav").write_bytes(b"x")
    closed_without_recording(callbacks, "P1")
    assert recover_all(callbacks, folder) == 1


def test_a_callback_that_died_before_its_first_event_gets_it(callbacks: Callbacks) -> None:
    import_policies(callbacks.settings, ROOT / "examples" / "policies.csv")
    number = callbacks.store.policies()[0].number
    id = callbacks.store.create_callback(number, "zh-2026.1", "phone")  # and here it was killed
    assert callbacks.open(number, "phone") == id
    assert [e.kind for e in callbacks.store.events(id)] == ["created"]
    assert callbacks.open(number, "phone") == id
    assert len(callbacks.store.events(id)) == 1
