"""Writes one callback as a folder that can be read, listened to and verified without the store."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from bot.errors import ConfigError
from bot.evidence import exported, signing, verify_record, wav
from bot.evidence.keyring import KeyRing
from bot.evidence.ledger import Event, canonical, wall_text
from bot.evidence.page import render
from bot.evidence.recordings import Recordings, Sealed
from bot.evidence.summary import sounds, summary
from bot.store import Store
from bot.store.records import Callback, Record


class Notary(Protocol):
    """What of `bot.records.sealing.Sealer` is needed here."""

    ring: KeyRing

    def exporting(self, callback: str) -> None:
        """The event that tells of it. Raises UnderWay."""

    def checkpoint(self, also: Collection[str] = ()) -> object: ...


def export(
    store: Store,
    audio_folder: Path,
    callback_id: str,
    target: Path,
    notary: Notary | None = None,
) -> Path:
    """Write the record to the new folder `target` (0700, files 0600) and return it; a name that
    ends in `.zip` becomes a ZIP of the same files (0600).

    The target appears whole or not at all. With `notary` an event tells of the export, the record
    is sealed, its proof goes with it, and the whole is signed. A recording that is missing or
    changed does not stop the export; verifying tells of it. Raises NotFound for an unknown
    callback, Erased, UnderWay, ConfigError when `target` exists or cannot be written.
    """
    if notary is not None:
        notary.exporting(callback_id)  # an unknown one must not sign anything
        notary.checkpoint([callback_id])
    kept = store.record(callback_id)
    callback, events = kept.callback, kept.events
    record = {
        "format": "huifang.record.1",
        "callback": _callback(callback),
        "policy": kept.policy.to_json(),
        **summary(events),
    }
    if target.exists() or target.is_symlink():
        raise ConfigError(f"{target} exists; choose a new folder")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            folder = _Folder(draft)
            if notary is not None:
                _prove(folder, store, kept, notary)
            _fill(folder, callback, record, events, Sealed(audio_folder, kept.key))
            if notary is not None:
                _sign(folder, notary)
            if target.suffix == ".zip":
                draft = _zipped(draft)
            draft.rename(target)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror}") from error
    return target


@dataclass
class _Folder:
    """The folder being written, and the hashes of what is in it."""

    path: Path
    files: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, data: bytes) -> None:
        path = self.path / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        self.files[name] = sha256(data).hexdigest()


def _fill(
    folder: _Folder,
    callback: Callback,
    record: dict[str, Any],
    events: Sequence[Event],
    recordings: Recordings,
) -> None:
    lines = [exported.write_event(event) + b"\n" for event in events]
    folder.write(exported.EVENTS, b"".join(lines))
    folder.write(exported.RECORD, canonical(record).encode() + b"\n")
    _copy_sounds(folder, events, recordings)
    folder.write(exported.PAGE, render(record, events, folder.files.keys()).encode())
    head = (callback.head_seq, callback.head_hash)
    manifest = exported.Manifest(callback.id, head, dict(folder.files))
    folder.write(exported.MANIFEST, exported.write_manifest(manifest))


def _prove(folder: _Folder, store: Store, kept: Record, notary: Notary) -> None:
    """The record's place in the newest checkpoint, and the means to check it."""
    seal = store.seals.seal_of(kept.callback.id, kept.callback.head_seq)
    if seal is not None:  # a callback without any event has nothing to seal
        folder.write(exported.PROOF, exported.write_proof(seal, notary.ring.rotations()))
    folder.write(exported.VERIFIER, Path(verify_record.__file__).read_bytes())


def _sign(folder: _Folder, notary: Notary) -> None:
    digest = folder.files[exported.MANIFEST]
    statement = notary.ring.sign({"format": signing.MANIFEST, "manifest": digest})
    folder.write(exported.SIGNATURE, f"{canonical(dict(statement))}\n".encode())


def _zipped(folder: Path) -> Path:
    """A ZIP beside the folder, which is removed. Sound is stored as it is, so that a player can
    read it from the archive."""
    path = folder.with_name(folder.name + ".zip")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for member in sorted(p for p in folder.rglob("*") if p.is_file()):
                how = zipfile.ZIP_STORED if member.suffix == ".wav" else None
                archive.write(member, member.relative_to(folder).as_posix(), how)
        file.flush()
        os.fsync(file.fileno())
    shutil.rmtree(folder)
    return path


def _copy_sounds(folder: _Folder, events: Sequence[Event], files: Recordings) -> None:
    """Whole recordings, and from unchanged ones what was spoken and heard."""
    recordings: dict[int, wav.Sound] = {}
    for event in events:
        if event.kind != "audio":
            continue
        name = event.body["file"]
        data = _whole(files, name)
        if data is None or name in folder.files:
            continue
        folder.write(name, data)
        if folder.files[name] == event.body["sha256"] and wav.is_closed(data):
            recordings[event.seq] = wav.parse(data)
    for event, audio in sounds(events):
        if audio.seq in recordings:
            folder.write(exported.cut_name(event), exported.cut(event, recordings[audio.seq]))


def _whole(files: Recordings, name: str) -> bytes | None:
    try:
        return files.read(name)
    except ValueError:
        return None


def _callback(callback: Callback) -> dict[str, Any]:
    return {
        "id": callback.id,
        "policy_number": callback.policy_number,
        "policy_sha256": callback.policy_sha256,
        "questionnaire": callback.questionnaire,
        "channel": callback.channel,
        "state": callback.state,
        "owner": callback.owner,
        "outcome": callback.outcome,
        "created": wall_text(callback.created),
        "updated": wall_text(callback.updated),
    }
