"""Verifying: every tampering we can think of is found, and counted."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from bot.evidence import exported, ledger, wav
from bot.evidence.completeness import missing
from bot.evidence.export import export
from bot.evidence.ledger import Draft, Event
from bot.evidence.recordings import Plain
from bot.evidence.verify import Report, verify_events, verify_store
from bot.evidence.verify_export import verify_folder
from bot.store import Store
from tests.unit.evidence_case import Pen, build, finished_callback, new_callback, open_store


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported record nobody touched."""
    folder = tmp_path_factory.mktemp("record")
    with open_store(folder) as store:
        callback = finished_callback(store, folder / "audio")
        return export(store, folder / "audio", callback, folder / "export")


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "export"))


def events_of(folder: Path) -> list[Event]:
    lines = (folder / exported.EVENTS).read_bytes().splitlines()
    return [exported.read_event(line) for line in lines]


def write_events(folder: Path, events: list[Event], *, honest: bool = True) -> None:
    """With `honest`, the manifest is made to fit, as a forger would."""
    data = b"".join(exported.write_event(e) + b"\n" for e in events)
    replace_file(folder, exported.EVENTS, data, honest=honest)


def replace_file(folder: Path, name: str, data: bytes, *, honest: bool = True) -> None:
    (folder / name).write_bytes(data)
    if honest:
        path = folder / exported.MANIFEST
        manifest = exported.read_manifest(path.read_bytes())
        files = {**manifest.files, name: sha256(data).hexdigest()}
        path.write_bytes(exported.write_manifest(replace(manifest, files=files)))


def test_an_untouched_record_is_intact_and_complete(original: Path) -> None:
    report = verify_folder(original)
    assert report.ok
    assert report.audio_ok
    assert report.first_bad is None
    assert "integrity ok, complete, 13 events, 1 recordings, 2 of 2 utterances" in str(report)
    assert json.loads(json.dumps(report.to_json()))["ok"] is True


def test_every_changed_byte_of_the_events_is_found(folder: Path) -> None:
    """Without help from the manifest: from the chain and the canonical form alone."""
    data = (folder / exported.EVENTS).read_bytes()
    chance, found = Random(2026), 0
    honest = events_of(folder)
    lines = data.split(b"\n")[:-1]
    for index, line in enumerate(lines):
        for at in range(len(line)):
            forged = bytearray(line)
            forged[at] ^= chance.randrange(1, 256)
            try:
                event = exported.read_event(bytes(forged))
            except ValueError:
                found += 1
                continue
            report = verify_events([*honest[:index], event, *honest[index + 1 :]])
            assert not report.integrity, (index, at, bytes(forged))
            found += 1
    print(f"changed bytes of events found: {found} of {len(data) - len(lines)}")
    assert found == len(data) - len(lines)
    assert found > 5000


def test_a_changed_byte_in_any_file_is_found(folder: Path) -> None:
    chance, tried = Random(7), 0
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        places = {0, len(data) - 1, *(chance.randrange(len(data)) for _ in range(15))}
        for at in places:
            forged = bytearray(data)
            forged[at] ^= chance.randrange(1, 256)
            path.write_bytes(forged)
            report = verify_folder(folder)
            assert not report.integrity, (path.name, at)
            tried += 1
        path.write_bytes(data)
    print(f"changed bytes in any file found: {tried} of {tried}")
    assert verify_folder(folder).ok


def test_removed_repeated_and_reordered_events_are_found(folder: Path) -> None:
    events = events_of(folder)
    n = len(events)
    tried = 0
    for at in range(n):
        variants = [events[:at] + events[at + 1 :], [*events[: at + 1], *events[at:]]]
        variants += [
            [events[{at: to, to: at}.get(k, k)] for k in range(n)] for to in range(at + 1, n)
        ]
        for forged in variants:
            write_events(folder, forged)
            assert not verify_folder(folder).ok
            tried += 1
    print(f"removed, repeated, reordered events found: {tried} of {tried}")


def test_a_cut_off_tail_is_incomplete_though_intact(folder: Path) -> None:
    events = events_of(folder)
    for kept in range(len(events)):
        write_events(folder, events[:kept])
        report = verify_folder(folder)
        assert not report.completeness, kept
        assert not report.faults
        assert report.missing[0].startswith("the last event should be 12")


def test_a_chain_rewritten_with_another_head_is_found_by_the_head(folder: Path) -> None:
    events = events_of(folder)
    drafts = [Draft(e.kind, e.body) for e in events]
    body = {**drafts[9].body, "text": "没有"}
    drafts[9] = Draft("heard", body)
    write_events(folder, build(drafts, events[0].callback))
    report = verify_folder(folder)
    assert not report.faults
    assert not report.ok


def test_the_first_bad_event_is_named(folder: Path) -> None:
    events = events_of(folder)
    text = events[9].text.replace("0.93", "0.99")
    write_events(folder, [*events[:9], replace(events[9], text=text), *events[10:]])
    assert verify_folder(folder).first_bad == "event 9: the body is not what was written"


def _no_manifest(folder: Path) -> None:
    (folder / exported.MANIFEST).unlink()


def _no_events(folder: Path) -> None:
    (folder / exported.EVENTS).unlink()


def _one_more_file(folder: Path) -> None:
    (folder / "sounds" / "note.txt").write_text("did not happen")


def _another_recording(folder: Path) -> None:
    (path,) = folder.glob("*.wav")
    sound = wav.parse(path.read_bytes())
    swapped = wav.header(sound.frames, 2, wav.LABEL) + sound.pcm[::-1]
    replace_file(folder, path.name, swapped)


def _a_forged_cut(folder: Path) -> None:
    other = (folder / "sounds/0009-heard.wav").read_bytes()[:-2] + b"\x01\x02"
    replace_file(folder, "sounds/0009-heard.wav", other)


def _a_nicer_record(folder: Path) -> None:
    record = json.loads((folder / exported.RECORD).read_bytes())
    record["items"][1]["answer"]["as_expected"] = True
    replace_file(folder, exported.RECORD, ledger.canonical(record).encode() + b"\n")


def _other_policy_facts(folder: Path) -> None:
    record = json.loads((folder / exported.RECORD).read_bytes())
    record["policy"]["premium"] = "1200.00"
    replace_file(folder, exported.RECORD, ledger.canonical(record).encode() + b"\n")


def _no_record(folder: Path) -> None:
    replace_file(folder, exported.RECORD, b"[]\n")


def _spaces_in_an_event(folder: Path) -> None:
    data = (folder / exported.EVENTS).read_bytes().replace(b'"seq":3', b'"seq": 3')
    replace_file(folder, exported.EVENTS, data)


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (_no_manifest, "manifest.json is missing"),
        (_no_events, "events.jsonl is missing"),
        (_one_more_file, "sounds/note.txt was added"),
        (_another_recording, "the recording of event 12 was changed"),
        (_a_forged_cut, "sounds/0009-heard.wav is not a part of the recording"),
        (_a_nicer_record, "record.json does not say what the events say"),
        (_other_policy_facts, "record.json shows other policy facts"),
        (_no_record, "record.json cannot be read"),
        (_spaces_in_an_event, "events.jsonl, line 4: not in its canonical form"),
    ],
)
def test_tampering_with_an_export_is_said(
    folder: Path, tamper: Callable[[Path], None], said: str
) -> None:
    """All but the first two fit their manifest: a forger would see to that."""
    tamper(folder)
    report = verify_folder(folder)
    assert not report.integrity
    assert any(said in words for words in (*report.files, *report.audio)), report


def test_hashes_around_nonsense_do_not_stop_the_verifier(folder: Path) -> None:
    events = build([Draft("called", {"line": "phone"})] * 2, "x")
    odd = ledger.canonical({"line": ["phone"], "file": 7})
    digest = ledger.digest_of("", odd)
    for kind in ("audio", "closed", "answered", "asked", "played", "heard"):
        header = ("x", 2, kind, events[1].wall, 1, events[1].hash)
        hashed = ledger.hash_of(*header, digest)
        event = Event("x", 2, kind, odd, events[1].wall, 1, events[1].hash, "", digest, hashed)
        report = verify_events([*events, event], recordings=Plain(folder))
        assert not report.ok
        with pytest.raises(ValueError):
            exported.read_event(exported.write_event(event))


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b"[]", b"null", b"\xff", b'{"body":{}}', b"[" * 100_000, b'{"body":' + b"1}"],
)
def test_lines_that_are_no_events_are_refused(line: bytes) -> None:
    with pytest.raises(ValueError):
        exported.read_event(line)


@pytest.mark.parametrize(("shift_ms", "found"), [(0, True), (20, False)])
def test_stated_samples_must_be_in_the_recording(
    original: Path, shift_ms: int, found: bool
) -> None:
    """An utterance whose words lie within the samples that were hashed."""
    drafts = [Draft(e.kind, e.body) for e in events_of(original)]
    heard = dict(drafts[5].body)
    start, end = heard["start_ms"] + shift_ms, heard["end_ms"] + shift_ms
    heard |= {"audio_start_ms": start, "audio_end_ms": end, "start_ms": 2240, "end_ms": 2800}
    drafts[5] = Draft("heard", heard)
    report = verify_events(build(drafts), recordings=Plain(original))
    assert report.integrity is found
    assert report.utterances_matching == 1 + found
    if not found:
        assert report.first_bad == "the recording does not hold what event 5 heard"


# -- the store


def test_a_store_is_checked_callback_by_callback(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        ids = [finished_callback(store, tmp_path / "audio", f"P{n}") for n in range(3)]
        new_callback(store, "P9")  # nothing has happened yet: no fault
        running = new_callback(store, "P8")
        Pen(store, running).write(Draft("created", {"policy": "P8", "questionnaire": "1"}))
        Pen(store, running).write(Draft("called", {"line": "phone"}), state="IN_PROGRESS")
        reports = list(verify_store(store, tmp_path / "audio"))
        assert all(report.ok for report in reports), [str(r) for r in reports if not r.ok]
        assert [r.callback for r in reports][:3] == ids
        assert len(reports) == 5
        assert sum(r.events for r in reports) == 3 * 13 + 2


def tampered(store: Store, tmp_path: Path, statement: str) -> Report:
    """What an attacker with the file can do: drop the triggers first."""
    raw = sqlite3.connect(tmp_path / "data" / "huifang.db")
    with raw:
        raw.execute("DROP TRIGGER events_no_update")
        raw.execute("DROP TRIGGER events_no_delete")
        raw.execute(statement)
    raw.close()
    (report,) = verify_store(store, tmp_path / "audio")
    return report


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE events SET body = zeroblob(90) WHERE seq = 9", "event 9: the body"),
        ("UPDATE events SET body = CAST(body || x'00' AS BLOB) WHERE seq = 3", "event 3: the body"),
        (
            "UPDATE events SET body = (SELECT body FROM events WHERE seq = 3) WHERE seq = 9",
            "event 9: the body",
        ),
        ("UPDATE events SET wall = '2027-01-01T00:00:00.000000Z' WHERE seq = 2", "event 2: the ev"),
        ("UPDATE events SET body = '' WHERE seq = 2", "event 2: the body"),
        ("DELETE FROM data_keys", "its key is gone or damaged, and no event says"),
        ("UPDATE data_keys SET wrapped = zeroblob(68)", "its key is gone or damaged, and no"),
        ("UPDATE events SET kind = 'said' WHERE seq = 4", "event 4: the event"),
        ("DELETE FROM events WHERE seq = 0", "event 1: the record begins"),
        ("DELETE FROM events WHERE seq = 6", "event 7: event 6 is missing"),
        ("DELETE FROM events WHERE seq = 12", "the last event should be 12, here it is 11"),
        ("DELETE FROM events", "the last event should be 12, here it is -1"),
        ("UPDATE callbacks SET head_seq = 11", "the last event should be 11, here it is 12"),
        ("UPDATE callbacks SET state = 'COMPLETED_CLEAN'", "the record closes as COMPLETED_PROBLE"),
    ],
)
def test_tampering_with_the_database_is_found(tmp_path: Path, statement: str, said: str) -> None:
    with open_store(tmp_path) as store:
        finished_callback(store, tmp_path / "audio")
        report = tampered(store, tmp_path, statement)
        assert not report.ok
        assert report.first_bad is not None
        assert report.first_bad.startswith(said)


# -- completeness


def kinds_of(events: list[Event], *dropped: str) -> list[Event]:
    """An honest chain of the same record without some kinds of events."""
    return build([Draft(e.kind, e.body) for e in events if e.kind not in dropped])


@pytest.mark.parametrize(
    ("dropped", "said"),
    [
        ("audio", "the call of event 1 has no recording"),
        ("closed", "the call of event 1 was not closed"),
        ("called", "nobody was called"),
        ("created", "the record does not begin with its creation"),
        ("asked", "event 5 answers a question that is not there (event 3)"),
        ("heard", "event 5 rests on words that are not there (event 5)"),
        ("answered", "closed with answered 2, the answers here make 0"),
    ],
)
def test_what_a_whole_record_must_hold(original: Path, dropped: str, said: str) -> None:
    events = events_of(original)
    assert missing(events) == []
    assert said in missing(kinds_of(events, dropped))


def test_a_record_under_way_need_not_have_ended(original: Path) -> None:
    events = kinds_of(events_of(original), "closed", "audio")
    assert missing(events, state="IN_PROGRESS") == []
    assert missing(events, state="HUMAN") == []
    assert missing(events, state="COMPLETED_PROBLEM")
    assert missing(events)
