"""The exported folder: whole, private, readable by people, nothing of it executable."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.evidence import labels, wav
from bot.evidence.export import export
from bot.evidence.kinds import KINDS
from bot.evidence.ledger import Draft
from bot.evidence.states import State
from bot.evidence.verify import verify_store
from bot.evidence.verify_export import verify_folder
from bot.store import NotFound, Store
from tests.unit.evidence_case import (
    QUESTIONS,
    Pen,
    finished_callback,
    new_callback,
    open_store,
    tone,
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


class Page(HTMLParser):
    """Collects what a browser would show and load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def test_an_export_holds_everything_and_verifies(store: Store, tmp_path: Path) -> None:
    callback = finished_callback(store, tmp_path / "audio")
    folder = export(store, tmp_path / "audio", callback, tmp_path / "out" / "record")
    report = verify_folder(folder)
    assert report.ok, report
    assert (report.recordings, report.utterances, report.utterances_matching) == (1, 2, 2)
    names = {str(p.relative_to(folder)) for p in folder.rglob("*.*")}
    assert names == {
        "manifest.json", "events.jsonl", "record.json", "index.html", f"{callback}.wav",
        "sounds/0004-spoken.wav", "sounds/0005-heard.wav",
        "sounds/0008-spoken.wav", "sounds/0009-heard.wav",
    }  # fmt: skip
    assert {stat.S_IMODE((folder / n).stat().st_mode) for n in names} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_record_tells_item_by_item(store: Store, tmp_path: Path) -> None:
    callback = finished_callback(store, tmp_path / "audio")
    folder = export(store, tmp_path / "audio", callback, tmp_path / "record")
    record = json.loads((folder / "record.json").read_text("utf-8"))
    assert record["policy"]["holder"] == "王秀英"
    assert record["callback"]["state"] == "COMPLETED_PROBLEM"
    first, second = record["items"]
    assert [(i["item"], i["answer"]["answer"]) for i in record["items"]] == [
        ("B1", "yes"),
        ("Y1", "yes"),
    ]
    (asked,) = first["asked"]
    assert asked["text"] == QUESTIONS["B1"]
    assert asked["sha256"] == sha256(QUESTIONS["B1"].encode()).hexdigest()
    assert (asked["played"]["start_ms"], asked["played"]["end_ms"]) == (0, 2000)
    assert (first["heard"]["confidence"], second["answer"]["code"]) == (0.93, "P12_PROMISE")
    (attempt,) = record["attempts"]
    assert (attempt["closed"]["problems"], attempt["audio"]["frames"]) == (1, 48_000)


def test_cuts_are_the_samples_of_question_and_answer(store: Store, tmp_path: Path) -> None:
    callback = finished_callback(store, tmp_path / "audio")
    folder = export(store, tmp_path / "audio", callback, tmp_path / "record")
    spoken = (folder / "sounds/0004-spoken.wav").read_bytes()
    heard = (folder / "sounds/0005-heard.wav").read_bytes()
    assert spoken == wav.mono(tone(440, 6000)[: 2 * 16_000], wav.LABEL)
    assert heard == wav.mono(tone(880, 6000)[2 * 16_000 : 3 * 16_000], wav.HUMAN)
    assert b'"Label": "1"' in spoken
    assert b'"Label": "0"' in heard


def test_the_page_escapes_labels_and_loads_only_its_own_sounds(
    store: Store, tmp_path: Path
) -> None:
    callback = finished_callback(store, tmp_path / "audio")
    folder = export(store, tmp_path / "audio", callback, tmp_path / "record")
    page = Page((folder / "index.html").read_text("utf-8"))
    assert QUESTIONS["Y1"] in page.words  # its <b> is text
    assert "有<i>啊" in page.words
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"b", "i", "script", "iframe", "object", "form", "img", "link"}
    sounds = [attrs for tag, attrs in page.tags if tag == "audio"]
    assert len(sounds) == 5
    assert all((folder / str(s["src"])).is_file() and s["aria-label"] for s in sounds)
    links = [v for _, attrs in page.tags for k, v in attrs.items() if k in ("src", "href")]
    assert len(links) == 5
    assert "人工智能合成" in page.words
    assert "93%" in page.words
    assert "需跟进（P12_PROMISE）" in page.words
    assert "210102195403081234" not in page.words  # the identity number is not for the page
    assert "13900000001" not in page.words
    assert dict(page.tags[0][1]) == {"lang": "zh-CN"}


def test_an_existing_folder_is_never_overwritten(store: Store, tmp_path: Path) -> None:
    callback = finished_callback(store, tmp_path / "audio")
    target = tmp_path / "record"
    target.mkdir()
    with pytest.raises(ConfigError, match="exists"):
        export(store, tmp_path / "audio", callback, target)
    assert list(target.iterdir()) == []
    with pytest.raises(NotFound):
        export(store, tmp_path / "audio", "nobody", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_failed_export_leaves_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    callback = finished_callback(store, tmp_path / "audio")
    before = set(tmp_path.iterdir())

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bot.evidence.export.render", full)
    with pytest.raises(ConfigError, match="No space left on device"):
        export(store, tmp_path / "audio", callback, tmp_path / "record")
    assert set(tmp_path.iterdir()) == before


def test_a_missing_recording_is_told_not_hidden(store: Store, tmp_path: Path) -> None:
    callback = finished_callback(store, tmp_path / "audio")
    (tmp_path / "audio" / f"{callback}.wav.sealed").unlink()
    folder = export(store, tmp_path / "audio", callback, tmp_path / "record")
    assert "录音文件缺失" in (folder / "index.html").read_text("utf-8")
    report = verify_folder(folder)
    assert (report.integrity, report.completeness) == (True, False)
    assert report.first_bad == "the recording of event 12 is missing"


def test_a_recording_that_the_disk_no_longer_gives_is_told_and_stops_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    callback = finished_callback(store, tmp_path / "audio")

    def bad_sector(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("bot.evidence.recordings.unsealed", bad_sector)
    (kept,) = verify_store(store, tmp_path / "audio")
    assert kept.audio == ("the recording of event 12: it cannot be read: Input/output error",)
    report = verify_folder(export(store, tmp_path / "audio", callback, tmp_path / "record"))
    assert (report.integrity, report.completeness) == (True, False)
    assert "recording" in str(report.first_bad)


@pytest.mark.parametrize("name", ["../secret.wav", "/etc/hostname", "a/b.wav"])
def test_a_recording_outside_the_folder_is_not_followed(
    store: Store, tmp_path: Path, name: str
) -> None:
    (tmp_path / "secret.wav").write_bytes(b"secret")
    callback = new_callback(store)
    body = {"file": name, "sha256": sha256(b"secret").hexdigest(), "frames": 0, "partial": False}
    Pen(store, callback).write(Draft("called", {"line": "phone"}), Draft("audio", body))
    folder = export(store, tmp_path / "audio", callback, tmp_path / "record")
    assert not list(folder.rglob("*.wav"))
    assert verify_folder(folder).audio_ok is False


def test_a_chat_and_an_untouched_callback_can_be_exported(store: Store, tmp_path: Path) -> None:
    callback = new_callback(store, channel="chat")
    export(store, tmp_path / "audio", callback, tmp_path / "empty")
    assert "尚未联系" in (tmp_path / "empty" / "index.html").read_text("utf-8")
    pen = Pen(store, callback)
    pen.write(Draft("called", {"line": "chat"}))
    pen.write(Draft("asked", {"clause": "B1", "item": True, "text": "？", "sha256": "0"}))
    pen.write(Draft("heard", {"via": "button", "text": "是"}))
    folder = export(store, tmp_path / "audio", callback, tmp_path / "chat")
    page = (folder / "index.html").read_text("utf-8")
    assert "尚无最终回答" in page
    assert "<audio" not in page
    report = verify_folder(folder)
    assert report.integrity
    assert report.audio_ok is None


def test_every_state_and_kind_has_a_chinese_name() -> None:
    assert labels.STATES.keys() == {s.value for s in State}
    assert labels.KINDS.keys() == KINDS.keys()
    for name in (*labels.STATES.values(), *labels.KINDS.values()):
        assert re.search("[一-龥]", name)


@pytest.mark.browser
def test_the_page_plays_and_fits_at_200_percent(store: Store, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    callback = finished_callback(store, tmp_path / "audio")
    folder = export(store, tmp_path / "audio", callback, tmp_path / "record")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        # 1280 pixels wide at 200 % leave 640.
        page = browser.new_page(viewport={"width": 640, "height": 400})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.goto((folder / "index.html").as_uri())
        page.wait_for_function(
            "[...document.querySelectorAll('audio')].every(a => a.readyState >= 1)"
        )
        lengths = page.evaluate("[...document.querySelectorAll('audio')].map(a => a.duration)")
        width = page.evaluate("document.documentElement.scrollWidth")
        browser.close()
    assert lengths == [2, 1, 1, 1, 6]
    assert width <= 640
    assert complaints == []
