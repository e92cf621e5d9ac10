"""The check for people who have only the public key: it finds everything, and stands alone."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from random import Random

import pytest

from bot.errors import ConfigError
from bot.evidence import exported, signing, verify_record, wav
from bot.evidence.completeness import missing
from bot.evidence.export import export
from bot.evidence.keyring import KeyRing
from bot.evidence.ledger import Draft, canonical
from bot.evidence.verify_export import known_signer, verify_export
from bot.records.sealing import Sealer
from bot.settings import Settings
from tests.unit.evidence_case import NOW, Pen, build, finished_callback, new_callback, open_store

TIME = "2026-11-22T00:00:00.000000Z"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """export/ and export.zip of a record among others, and public.pem: nobody touched them."""
    folder = tmp_path_factory.mktemp("made")
    seconds = count()
    with open_store(folder, clock=lambda: NOW + timedelta(seconds=next(seconds))) as store:
        sealer = Sealer(store, Settings(data=folder / "data"))
        ids = [finished_callback(store, folder / "audio", f"P{n}") for n in range(4)]
        sealer.checkpoint()
        for name in ("export", "export.zip"):
            export(store, folder / "audio", ids[1], folder / name, sealer)
        export(store, folder / "audio", ids[2], folder / "other", sealer)
    (folder / "public.pem").write_text(signing.pem(sealer.ring.public))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "export", tmp_path / "export"))


def keys_of(made: Path) -> verify_record.Keys:
    return verify_record.read_keys((made / "public.pem").read_bytes())


def files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file())


def remade(folder: Path) -> None:
    """A manifest that fits again, as a forger without the key would write it."""
    path = folder / exported.MANIFEST
    manifest = exported.read_manifest(path.read_bytes())
    names = [p for p in files(folder) if p.name not in (exported.MANIFEST, exported.SIGNATURE)]
    digests = {p.relative_to(folder).as_posix(): wav.file_sha256(p) for p in names}
    path.write_bytes(exported.write_manifest(replace(manifest, files=digests)))


def test_folder_and_zip_are_whole_without_any_database(made: Path) -> None:
    for name, events in (("export", 14), ("export.zip", 15)):  # an export is an event as well
        verdict = verify_record.verify(made / name, keys_of(made))
        assert verdict.ok, verdict
        assert (verdict.events, verdict.recordings, verdict.signed) == (events, 1, True)
        assert verdict.sealed.startswith("2026-11-22T")
        report = verify_export(made / name, keys_of(made))
        assert report.ok
        assert (report.signed, report.sealed) == (True, verdict.sealed)


def test_it_runs_by_itself_where_nothing_else_of_huifang_is(made: Path, tmp_path: Path) -> None:
    """As a program, from the export, with a Python that cannot see the rest of the bot."""
    script = made / "export" / exported.VERIFIER
    assert script.read_bytes() == Path(verify_record.__file__).read_bytes()
    imported = set()
    for node in ast.walk(ast.parse(script.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported - sys.stdlib_module_names == {"cryptography"}
    command = [sys.executable, "-P", str(script), "--key", str(made / "public.pem")]
    good = subprocess.run(
        [*command, str(made / "export.zip")], cwd=tmp_path, capture_output=True, text=True
    )
    assert good.returncode == 0, good.stderr
    assert "integrity     ok\ncompleteness  ok" in good.stdout
    bad = Path(shutil.copytree(made / "export", tmp_path / "bad"))
    lines = (bad / exported.EVENTS).read_bytes()
    (bad / exported.EVENTS).write_bytes(lines.replace("是我买的".encode(), "我不知道".encode()))
    worse = subprocess.run([*command, str(bad)], cwd=tmp_path, capture_output=True, text=True)
    assert worse.returncode == 1
    assert "integrity     BROKEN" in worse.stdout
    assert "first bad     event 5" in worse.stdout
    for wrong in (tmp_path / "nothing", made / "public.pem"):
        nothing = subprocess.run([*command, str(wrong)], capture_output=True, text=True)
        assert nothing.returncode == 2


def test_every_changed_byte_of_the_events_is_found_by_the_chain_alone(folder: Path) -> None:
    """No key, and a manifest that fits: only the chain can tell."""
    data = (folder / exported.EVENTS).read_bytes()
    callback = exported.read_manifest((folder / exported.MANIFEST).read_bytes()).callback
    chance, found = Random(2026), 0
    lines = data.split(b"\n")[:-1]
    for index, line in enumerate(lines):
        for at in range(len(line)):
            forged = bytearray(line)
            forged[at] ^= chance.randrange(1, 256)
            verdict = verify_record.Verdict(callback)
            changed = b"\n".join([*lines[:index], bytes(forged), *lines[index + 1 :], b""])
            verify_record._events({"events.jsonl": changed}, verdict)
            assert verdict.integrity, (index, at)
            assert verdict.first_bad_event == index
            found += 1
    print(f"changed bytes of events found: {found} of {len(data) - len(lines)}")
    assert found == len(data) - len(lines) > 5000


def test_every_changed_byte_of_what_is_signed_is_found(made: Path, folder: Path) -> None:
    keys, chance, tried = keys_of(made), Random(3), 0
    for name in (exported.SIGNATURE, exported.PROOF, exported.MANIFEST):
        path = folder / name
        data = path.read_bytes()
        for at in range(len(data)):
            forged = bytearray(data)
            forged[at] ^= chance.randrange(1, 256)
            path.write_bytes(forged)
            assert verify_record.verify(folder, keys).integrity, (name, at)
            tried += 1
        path.write_bytes(data)
    print(f"changed bytes of manifest, signature and proof found: {tried} of {tried}")
    assert tried > 2000
    assert verify_record.verify(folder, keys).ok


def test_a_changed_byte_in_any_file_is_found(made: Path, folder: Path) -> None:
    keys, chance, tried = keys_of(made), Random(5), 0
    for path in files(folder):
        data = path.read_bytes()
        for at in {0, len(data) - 1, *(chance.randrange(len(data)) for _ in range(20))}:
            forged = bytearray(data)
            forged[at] ^= chance.randrange(1, 256)
            path.write_bytes(forged)
            assert verify_record.verify(folder, keys).integrity, (path.name, at)
            tried += 1
        path.write_bytes(data)
    print(f"changed bytes in any file found: {tried} of {tried}")


def test_with_a_manifest_made_to_fit_the_signature_tells(made: Path, folder: Path) -> None:
    """A forger changes a file and the manifest; the page for people is such a file."""
    keys, tried = keys_of(made), 0
    for path in files(folder):
        if path.name in (exported.MANIFEST, exported.SIGNATURE):
            continue
        data = path.read_bytes()
        path.write_bytes(data + b" ")
        remade(folder)
        verdict = verify_record.verify(folder, keys)
        assert "the export: manifest.json is not the one that was signed" in verdict.integrity
        path.write_bytes(data)
        tried += 1
    print(f"files changed together with their manifest found: {tried} of {tried}")


def test_removed_repeated_reordered_and_truncated_events_are_found(folder: Path) -> None:
    """Without a key, with a manifest that fits."""
    path = folder / exported.EVENTS
    lines = path.read_bytes().splitlines(keepends=True)
    n, tried = len(lines), {"removed": 0, "repeated": 0, "reordered": 0, "truncated": 0}
    forgeries: list[tuple[str, list[bytes]]] = []
    for at in range(n):
        forgeries.append(("removed", lines[:at] + lines[at + 1 :]))
        forgeries.append(("repeated", [*lines[: at + 1], *lines[at:]]))
        forgeries.append(("truncated", lines[:at]))
        for to in range(at + 1, n):
            swap = {at: to, to: at}
            forgeries.append(("reordered", [lines[swap.get(k, k)] for k in range(n)]))
    for how, forged in forgeries:
        path.write_bytes(b"".join(forged))
        remade(folder)
        assert not verify_record.verify(folder, None).ok, how
        tried[how] += 1
    print(f"events found: {tried}")
    assert tried == {"removed": 14, "repeated": 14, "reordered": 91, "truncated": 14}


def test_every_swapped_sound_is_found(made: Path, folder: Path) -> None:
    """Each sound replaced by each other one and by one of another record."""
    keys, tried = keys_of(made), 0
    sounds = [p for p in files(folder) if p.suffix == ".wav"]
    others = [p for p in files(made / "other") if p.suffix == ".wav"]
    for path in sounds:
        data = path.read_bytes()
        for replacement in {p.read_bytes() for p in (*sounds, *others)} - {data}:
            path.write_bytes(replacement)
            assert verify_record.verify(folder, keys).integrity
            remade(folder)
            assert verify_record.verify(folder, keys).integrity
            tried += 2
        path.write_bytes(data)
    (recording,) = [p for p in sounds if p.parent == folder]
    sound = wav.parse(recording.read_bytes())
    recording.write_bytes(wav.header(sound.frames, 2, wav.LABEL) + sound.pcm[::-1])
    remade(folder)
    without = verify_record.verify(folder, None)
    assert without.integrity == ["the recording of event 12 was changed"]
    print(f"swapped sounds found: {tried + 1} of {tried + 1}")


def forged_chain(folder: Path) -> None:
    """A record rewritten from its beginning, with everything in the folder that needs no key."""
    lines = (folder / exported.EVENTS).read_bytes().splitlines()
    events = [exported.read_event(line) for line in lines]
    drafts = [Draft(e.kind, e.body) for e in events]
    drafts[9] = Draft("heard", {**drafts[9].body, "text": "没有"})
    chain = build(drafts, events[0].callback)
    (folder / exported.EVENTS).write_bytes(
        b"".join(exported.write_event(event) + b"\n" for event in chain)
    )
    remade(folder)
    path = folder / exported.MANIFEST
    manifest = exported.read_manifest(path.read_bytes())
    path.write_bytes(exported.write_manifest(replace(manifest, head=(13, chain[-1].hash))))


def test_a_chain_rewritten_from_its_beginning_is_found(made: Path, folder: Path) -> None:
    forged_chain(folder)
    verdict = verify_record.verify(folder, keys_of(made))
    assert verdict.first_bad_event is None, "every hash of the chain is right"
    assert "the checkpoint: the record is not the one that was sealed" in verdict.integrity


def test_a_chain_signed_again_with_another_key_is_found(
    made: Path, folder: Path, tmp_path: Path
) -> None:
    """The forger makes a key, a store with one record, a checkpoint and a signature of his own."""
    forged_chain(folder)
    ring = KeyRing(tmp_path / "forger")
    head = exported.read_manifest((folder / exported.MANIFEST).read_bytes())
    assert head.head is not None
    seq, last = head.head
    leaf = signing.leaf(head.callback, seq, last)
    proof = {
        "format": "huifang.proof.1",
        "leaf": {"callback": head.callback, "seq": seq, "hash": last},
        "index": 0, "path": [], "rotations": [],
        "checkpoint": dict(ring.checkpoint("store", 1, leaf, TIME)),
    }  # fmt: skip
    (folder / exported.PROOF).write_text(canonical(proof) + "\n")
    remade(folder)
    digest = sha256((folder / exported.MANIFEST).read_bytes()).hexdigest()
    signed = ring.sign({"format": signing.MANIFEST, "manifest": digest})
    (folder / exported.SIGNATURE).write_text(canonical(dict(signed)) + "\n")
    assert verify_record.verify(folder, {ring.id: ring.public}).ok, "perfect under his own key"
    verdict = verify_record.verify(folder, keys_of(made))
    assert len(verdict.integrity) == 2
    assert all("a key that is not trusted" in words for words in verdict.integrity)
    # A statement that makes him the successor must come from the key that is trusted.
    proof["rotations"] = [dict(signing.rotation(ring._key, ring.public, TIME))]
    (folder / exported.PROOF).write_text(canonical(proof) + "\n")
    assert not verify_record.verify(folder, keys_of(made)).ok


def test_the_proof_of_another_record_does_not_fit(made: Path, folder: Path) -> None:
    shutil.copy(made / "other" / exported.PROOF, folder / exported.PROOF)
    remade(folder)
    verdict = verify_record.verify(folder, keys_of(made))
    assert "the checkpoint: the record is not the one that was sealed" in verdict.integrity


def test_without_seal_or_signature_it_is_not_accepted(made: Path, folder: Path) -> None:
    (folder / exported.SIGNATURE).unlink()
    assert "the export is not signed" in verify_record.verify(folder, keys_of(made)).integrity
    (folder / exported.PROOF).unlink()
    remade(folder)
    verdict = verify_record.verify(folder, keys_of(made))
    assert verdict.completeness == ["the record is in no checkpoint"]
    assert verify_record.verify(folder, None).ok, "without a key, nothing signed is asked for"


@pytest.fixture
def rotated(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A record exported after two changes of key; the first public key."""
    with open_store(tmp_path) as store:
        sealer = Sealer(store, Settings(data=tmp_path / "data"))
        (tmp_path / "first.pem").write_text(signing.pem(sealer.ring.public))
        callback = finished_callback(store, tmp_path / "audio")
        sealer.checkpoint()
        sealer.ring.rotate(TIME)
        sealer.ring.rotate(TIME)
        yield (
            export(store, tmp_path / "audio", callback, tmp_path / "export", sealer),
            tmp_path / "first.pem",
        )


def test_the_first_key_is_enough_after_it_was_changed(rotated: tuple[Path, Path]) -> None:
    folder, first = rotated
    keys = verify_record.read_keys(first.read_bytes())
    assert verify_record.verify(folder, keys).ok
    proof = json.loads((folder / exported.PROOF).read_bytes())
    assert len(proof["rotations"]) == 2
    assert proof["checkpoint"]["key"] not in keys


def test_a_record_that_goes_on_is_told_from_one_that_ended(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        sealer = Sealer(store, Settings(data=tmp_path / "data"))
        empty, busy = new_callback(store, "P1"), new_callback(store, "P2")
        created = Draft("created", {"policy": "P2", "questionnaire": "1"})
        Pen(store, busy).write(created, Draft("called", {"line": "chat"}), state="HUMAN")
        keys = {sealer.ring.id: sealer.ring.public}
        for callback, said in ((busy, "the call of event 1 was not closed"), (empty, "there is")):
            target = tmp_path / f"{said[-6:]}.zip"
            export(store, tmp_path / "audio", callback, target, sealer)
            verdict = verify_record.verify(target, keys)
            assert verdict.integrity == []
            assert any(said in words for words in verdict.completeness), verdict


def test_a_zip_that_was_copied_badly_is_told_in_words(made: Path, tmp_path: Path) -> None:
    data, chance, damaged = (made / "export.zip").read_bytes(), Random(7), tmp_path / "damaged.zip"
    with zipfile.ZipFile(made / "export.zip") as archive:
        events = archive.getinfo(exported.EVENTS)
    start = events.header_offset + 30 + len(exported.EVENTS)
    for _ in range(40):
        forged = bytearray(data)
        forged[start + chance.randrange(events.compress_size)] ^= chance.randrange(1, 256)
        damaged.write_bytes(forged)
        with pytest.raises(zipfile.BadZipFile):
            verify_record.verify(damaged, keys_of(made))
        with pytest.raises(ConfigError, match="nor a whole ZIP"):
            verify_export(damaged, keys_of(made))
        assert known_signer(damaged, tmp_path) is None


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a":' * 100_000])
@pytest.mark.parametrize(
    "name", [exported.MANIFEST, exported.SIGNATURE, exported.PROOF, exported.RECORD]
)
def test_a_file_without_bottom_is_a_finding_and_no_fault_of_the_check(
    name: str, content: str, made: Path, folder: Path
) -> None:
    (folder / name).write_text(content)
    if name != exported.MANIFEST:
        remade(folder)
    assert not verify_record.verify(folder, keys_of(made)).ok
    assert not verify_export(folder, keys_of(made)).ok
    verify_export(folder)
    assert known_signer(folder, folder) is None


@pytest.mark.parametrize("number", [float("inf"), 10**30])
def test_a_number_beyond_all_bounds_is_a_finding(number: float, made: Path, folder: Path) -> None:
    for name, change in (
        (exported.RECORD, lambda value: value.update(items=[number])),
        (exported.MANIFEST, lambda value: value["head"].update(seq=number)),
    ):
        path = folder / name
        value = json.loads(path.read_text())
        change(value)
        path.write_text(json.dumps(value))
        if name == exported.RECORD:
            remade(folder)
        assert not verify_export(folder).ok
        assert not verify_record.verify(folder, keys_of(made)).ok


def test_a_zip_cannot_hide_or_double_a_file(made: Path, tmp_path: Path) -> None:
    twice = tmp_path / "twice.zip"
    shutil.copy(made / "export.zip", twice)
    with zipfile.ZipFile(twice, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(exported.PAGE, "<p>另一页</p>")
    with pytest.raises(zipfile.BadZipFile, match="twice"):
        verify_record.verify(twice, None)
    more = tmp_path / "more.zip"
    shutil.copy(made / "export.zip", more)
    with zipfile.ZipFile(more, "a") as archive:
        archive.writestr("../../escape.txt", "x")
    assert verify_record.verify(more, keys_of(made)).integrity == ["../../escape.txt was added"]
    assert not verify_export(more, keys_of(made)).ok


def test_a_callback_that_nobody_was_called_for_is_incomplete_and_intact(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        sealer = Sealer(store, Settings(data=tmp_path / "data"))
        callback = new_callback(store)
        Pen(store, callback).write(Draft("created", {"policy": "P1", "questionnaire": "1"}))
        export(store, tmp_path / "audio", callback, tmp_path / "planned", sealer)
        keys = {sealer.ring.id: sealer.ring.public}
        verdict = verify_record.verify(tmp_path / "planned", keys)
        assert verdict.integrity == []
        assert verdict.completeness == ["nobody was called"]


def said(drafts: list[Draft]) -> list[str]:
    """What both verifiers find missing in an honest chain of these; they must agree."""
    chain = build(drafts)
    data = b"".join(exported.write_event(event) + b"\n" for event in chain)
    verdict = verify_record.Verdict(chain[0].callback)
    events = verify_record._events({"events.jsonl": data}, verdict)
    outside = [words for words in verify_record._missing(events) if words.startswith("event")]
    inside = [words for words in missing(chain) if words.startswith("event")]
    assert bool(inside) == bool(outside), (inside, outside)
    return outside


@pytest.mark.parametrize(
    ("result", "named", "problem"),
    [
        ("right", 3, None),
        ("wrong", 3, "a yes without the right answer to its question"),
        ("right", None, "a yes without the right answer to its question"),
        ("right", 9, "a yes without the right answer to its question"),
    ],
)
def test_a_yes_rests_on_the_right_answer_to_its_question(
    result: str, named: int | None, problem: str | None
) -> None:
    asked = {"item": True, "text": "？", "sha256": "0"}
    drafts = [
        Draft("created", {"policy": "P1", "questionnaire": "1"}),
        Draft("asked", {**asked, "clause": "B8", "must_check": True}),
        Draft("heard", {"via": "key", "text": "1"}),
        Draft(
            "checked",
            {
                "item": "B8", "clause": "B8q", "expected": "15", "stated": "15",
                "result": result, "asked_seq": 1, "heard_seq": 2,
            },
        ),
        Draft(
            "answered",
            {
                "item": "B8", "answer": "yes", "expect": "yes", "as_expected": True,
                "asked_seq": 1, "heard_seq": 2, "checked_seq": named,
            },
        ),
    ]  # fmt: skip
    drafts[1] = Draft("asked", {**drafts[1].body, "checks": "B8"})
    found = said(drafts)
    assert [problem in words for words in found] == ([True] if problem else []), found
    dropped = said([*drafts[:3], drafts[4]])
    assert dropped, "a yes whose check is not there is no yes"
