"""Checks exports: by the rules of the house (`verify`), and as somebody outside would
(`verify_record`, which was written apart from it). What either finds is told."""

from __future__ import annotations

import json
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bot.errors import ConfigError
from bot.evidence import exported, verify_record, wav
from bot.evidence.keyring import load_public
from bot.evidence.ledger import Event, canonical
from bot.evidence.recordings import Plain
from bot.evidence.signing import key_id
from bot.evidence.summary import sounds, summary
from bot.evidence.verify import FORMLESS, Report, verify_events


def verify_export(export: Path, keys: Mapping[str, Ed25519PublicKey] | None = None) -> Report:
    """Check a folder or a ZIP. Raises ConfigError when it cannot be read."""
    try:
        if export.is_dir():
            return verify_folder(export, keys)
        with zipfile.ZipFile(export) as archive, tempfile.TemporaryDirectory() as place:
            if sum(entry.file_size for entry in archive.infolist()) > verify_record.MAX_FILE:
                raise ConfigError(f"{export} is too large for a record")
            names = archive.namelist()
            if len(set(names)) != len(names):
                raise ConfigError(f"{export} holds a file twice")
            archive.extractall(place)
            return verify_folder(Path(place), keys)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        words = (
            getattr(error, "strerror", None) or "it is neither an exported folder nor a whole ZIP"
        )
        raise ConfigError(f"{export} cannot be read: {words}") from error


def known_signer(export: Path, key_folder: Path) -> dict[str, Ed25519PublicKey] | None:
    """The public keys of this machine, when one of them is named as the export's signer; None:
    the export is from elsewhere, and only a key that is given can tell by whom."""
    unnamed = (OSError, KeyError, TypeError, ValueError, RecursionError, zipfile.BadZipFile)
    try:
        named = json.loads(verify_record.files_of(export)[exported.SIGNATURE])["key"]
        keys = load_public(key_folder / "public" / f"{named}.pem")
    except (*unnamed, ConfigError):
        return None
    return {key_id(key): key for key in keys}


def verify_folder(folder: Path, keys: Mapping[str, Ed25519PublicKey] | None = None) -> Report:
    """Check an exported folder. Raises OSError when it cannot be read; everything that is wrong
    with its content is in the report. `keys` are those to trust; without, signatures are not
    checked."""
    files: list[str] = []
    lacking: list[str] = []
    manifest = _manifest(folder, files)
    for name, stated in sorted(manifest.files.items()):
        path = folder / name
        if not path.is_file():
            lacking.append(f"{name} is missing")
        elif wav.file_sha256(path) != stated:
            files.append(f"{name} is not the file that was exported")
    present = {str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir()}
    files += [
        f"{n} was added"
        for n in sorted(present - {*manifest.files, exported.MANIFEST, exported.SIGNATURE})
    ]

    events, unreadable = _events(folder / exported.EVENTS)
    files += unreadable
    report = verify_events(
        events, callback=manifest.callback or None, head=manifest.head, recordings=Plain(folder)
    )
    if not (report.faults or report.files or unreadable):
        try:
            files += _views(folder, events)
        except (KeyError, TypeError, AttributeError):
            files.append(FORMLESS)
    report = replace(report, files=(*files, *report.files), missing=(*lacking, *report.missing))
    return _as_outside(report, verify_record.verify(folder, None if keys is None else dict(keys)))


def _as_outside(report: Report, verdict: verify_record.Verdict) -> Report:
    told = {*report.files, *report.audio, *report.missing}
    broken = () if report.faults else tuple(x for x in verdict.integrity if x not in told)
    lacking = tuple(x for x in verdict.completeness if x not in told)
    return replace(
        report,
        files=(*report.files, *broken),
        missing=(*report.missing, *lacking),
        exported=True,
        signed=verdict.signed,
        sealed=verdict.sealed,
    )


def _manifest(folder: Path, problems: list[str]) -> exported.Manifest:
    try:
        return exported.read_manifest((folder / exported.MANIFEST).read_bytes())
    except (FileNotFoundError, ValueError):
        problems.append(f"{exported.MANIFEST} is missing or not what was exported")
        return exported.Manifest("", None, {})


def _events(path: Path) -> tuple[list[Event], list[str]]:
    """The events, and what keeps the file from being exactly what was written."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return [], [f"{path.name} is missing"]
    events: list[Event] = []
    lines = data.split(b"\n")
    if lines.pop() != b"":
        return [], [f"{path.name}: the last line is cut off"]
    for number, line in enumerate(lines, 1):
        try:
            events.append(exported.read_event(line))
        except ValueError as error:
            return events, [f"{path.name}, line {number}: {error}"]
    return events, []


def _views(folder: Path, events: Sequence[Event]) -> Iterator[str]:
    """What is shown and played to people must be what events and recordings say."""
    try:
        record = json.loads((folder / exported.RECORD).read_bytes())
        told = {"attempts": record["attempts"], "items": record["items"]}
        facts = sha256(canonical(record["policy"]).encode()).hexdigest()
        shown = canonical(told)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        yield f"{exported.RECORD} cannot be read"
        return
    if shown != canonical(summary(events)):
        yield f"{exported.RECORD} does not say what the events say"
    named = events[0].body.get("policy_sha256") if events else None
    if named not in (None, facts):
        yield f"{exported.RECORD} shows other policy facts than the events name"
    recordings: dict[str, wav.Sound | None] = {}
    for event, audio in sounds(events):
        name, path = audio.body["file"], folder / exported.cut_name(event)
        if name not in recordings:
            recordings[name] = _sound(folder / name)
        sound = recordings[name]
        # What is missing altogether was told before.
        if sound and path.is_file() and path.read_bytes() != exported.cut(event, sound):
            yield f"{path.relative_to(folder)} is not a part of the recording"


def _sound(file: Path) -> wav.Sound | None:
    try:
        return wav.parse(file.read_bytes())
    except (OSError, ValueError):
        return None
