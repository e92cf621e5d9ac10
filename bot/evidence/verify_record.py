#!/usr/bin/env python3
"""Check an exported callback record with the insurer's public key alone.

    python verify_record.py EXPORT --key public.pem        EXPORT is a folder or a ZIP

Needs Python 3.10 and the package `cryptography`, nothing else of Huifang: it was written apart
from the program that made the record, from docs/evidence.md. Take this file and the key from
somebody you trust, not from the export you check. Exit status 0: unaltered and complete; 1: not;
2: wrong usage.

INTEGRITY     is anything that is here not what was written, or not what was signed?
COMPLETENESS  is anything missing that must be here?
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import wave
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

MAX_FILE = 1 << 30  # bytes, unpacked
Keys = dict[str, Ed25519PublicKey]


class Broken(Exception):
    """Something is not what was written."""


@dataclass
class Verdict:
    """What was found."""

    callback: str = ""
    events: int = 0
    recordings: int = 0
    sealed: str = ""  # time of the checkpoint that covers the record
    signed: bool | None = None  # None: no key was given, nothing signed could be checked
    integrity: list[str] = field(default_factory=list)  # what was changed
    completeness: list[str] = field(default_factory=list)  # what is missing
    first_bad_event: int | None = None

    @property
    def ok(self) -> bool:
        return not (self.integrity or self.completeness)


def verify(export: Path, keys: Keys | None) -> Verdict:
    """Raises OSError or zipfile.BadZipFile when there is nothing to read."""
    verdict = Verdict()
    files = files_of(export)
    checked = _manifest(files, verdict)
    try:
        proof = json.loads(checked["proof.json"]) if "proof.json" in checked else None
        ring = None if keys is None else _successors(keys, proof)
        if ring is not None:
            verdict.signed = _signature(files, ring, verdict)
        events = _events(checked, verdict)
        if verdict.first_bad_event is None and events:  # what a broken chain says is not followed
            _audio(events, checked, verdict)
            verdict.completeness += _missing(events)
            if proof is not None:
                _seal(events, proof, ring, verdict)
            elif ring is not None:
                verdict.completeness.append("the record is in no checkpoint")
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError):
        verdict.integrity.append("the files do not have the form of a record")
    return verdict


# -- files


def files_of(export: Path) -> dict[str, bytes]:
    """By their paths. Raises OSError or zipfile.BadZipFile."""
    if export.is_dir():
        found = {p.relative_to(export).as_posix(): p for p in export.rglob("*") if not p.is_dir()}
        return {name: path.read_bytes() for name, path in sorted(found.items())}
    try:
        with zipfile.ZipFile(export) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > MAX_FILE:
                raise zipfile.BadZipFile("too large for a record")
            if len({entry.filename for entry in entries}) != len(entries):
                raise zipfile.BadZipFile("holds a file twice")
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise zipfile.BadZipFile(f"damaged ({error})") from error


def _manifest(files: Mapping[str, bytes], verdict: Verdict) -> dict[str, bytes]:
    """The files that are what the manifest says."""
    try:
        manifest = json.loads(files["manifest.json"])
        stated: dict[str, str] = manifest["files"]
        verdict.callback = manifest["callback"]
        head = manifest["head"]
        if manifest["format"] != "huifang.export.1" or not isinstance(stated, dict):
            raise Broken
    except (KeyError, TypeError, ValueError, RecursionError, Broken):
        verdict.integrity.append("manifest.json is missing or not what was exported")
        return {}
    same = {name for name, digest in stated.items() if _sha(files.get(name, b"")) == digest}
    for name in sorted(stated.keys() - same):
        if name in files:
            verdict.integrity.append(f"{name} is not the file that was exported")
        else:
            verdict.completeness.append(f"{name} is missing")
    extra = files.keys() - stated.keys() - {"manifest.json", "signature.json"}
    verdict.integrity += [f"{name} was added" for name in sorted(extra)]
    # The events are walked even when they were changed: to name the first bad one.
    return {name: files[name] for name in {*same, "events.jsonl"} & files.keys()} | {
        "head": json.dumps(head).encode()
    }


def _signature(files: Mapping[str, bytes], keys: Keys, verdict: Verdict) -> bool:
    try:
        signature = json.loads(files["signature.json"])
        _check_signed(signature, "huifang.signature.1", keys)
        if signature["manifest"] != _sha(files["manifest.json"]):
            raise Broken("manifest.json is not the one that was signed")
        if files["signature.json"] != (_canonical(signature) + "\n").encode():
            raise Broken("signature.json is not what was written")
    except KeyError:
        verdict.integrity.append("the export is not signed")
    except (Broken, ValueError, TypeError, AttributeError) as error:
        verdict.integrity.append(f"the export: {error}")
    else:
        return True
    return False


# -- the chain


@dataclass(frozen=True)
class Event:
    """One line of events.jsonl."""

    seq: int
    kind: str
    hash: str
    body: dict[str, Any]


def _events(files: Mapping[str, bytes], verdict: Verdict) -> list[Event]:
    """Walks the chain; stops at the first event that is not what was written."""
    data = files.get("events.jsonl", b"")
    events: list[Event] = []
    lines = data.split(b"\n")
    if lines.pop() != b"":
        verdict.integrity.append("events.jsonl: the last line is cut off")
    link = "0" * 64
    for number, line in enumerate(lines):
        try:
            events.append(_event(line, number, link, verdict.callback))
        except (Broken, KeyError, TypeError, ValueError, RecursionError) as error:
            words = str(error) if isinstance(error, Broken) else "cannot be read"
            verdict.integrity.append(f"event {number}: {words}")
            verdict.first_bad_event = number
            break
        link = events[-1].hash
    verdict.events = len(events)
    head = json.loads(files.get("head", b"null"))
    last = {"seq": len(events) - 1, "hash": link}
    if verdict.first_bad_event is None and head != last:
        named = head["seq"] if isinstance(head, dict) and "seq" in head else "another"
        verdict.completeness.append(
            f"the last event should be {named}, here it is {len(lines) - 1}"
        )
    if not lines:
        verdict.completeness.append("there is no event")
    return events


def _event(line: bytes, number: int, link: str, callback: str) -> Event:
    value = json.loads(line)
    header = {k: value[k] for k in ("callback", "digest", "kind", "mono_ms", "prev", "seq", "wall")}
    full = {**header, "hash": value["hash"], "salt": value["salt"]}
    # A line is the body, byte for byte as it was hashed, between these two.
    start, end = b'{"body":', ("," + _canonical(full)[1:]).encode()
    text = line[len(start) : -len(end)]
    if line != start + text + end:
        raise Broken("is not written as it was")
    if _sha(f"huifang.body.1\n{value['salt']}\n".encode() + text) != value["digest"]:
        raise Broken("the words or facts in it were changed")
    if _sha(b"huifang.event.1\n" + _canonical(header).encode()) != value["hash"]:
        raise Broken("it was changed")
    if value["callback"] != callback:
        raise Broken("it belongs to another callback")
    if value["seq"] != number:
        raise Broken(f"here stands event {value['seq']}: one was removed, repeated or moved")
    if value["prev"] != link:
        raise Broken("it does not follow the event before it")
    return Event(number, value["kind"], value["hash"], value["body"])


# -- the seal


def _seal(events: list[Event], proof: Any, keys: Keys | None, verdict: Verdict) -> None:
    """The record, or its beginning, stands in the tree of a signed checkpoint."""
    leaf, checkpoint = proof["leaf"], proof["checkpoint"]
    sealed = next((e for e in events if e.seq == leaf["seq"]), None)
    try:
        if sealed is None or (leaf["callback"], leaf["hash"]) != (verdict.callback, sealed.hash):
            raise Broken("the record is not the one that was sealed")
        data = _canonical({**leaf, "format": "huifang.leaf.1"}).encode()
        path = [bytes.fromhex(part) for part in proof["path"]]
        root = _root(sha256(b"\0" + data).digest(), proof["index"], checkpoint["size"], path)
        if root is None or root.hex() != checkpoint["root"]:
            raise Broken("the record does not stand in the tree of the checkpoint")
        if keys is not None:
            _check_signed(checkpoint, "huifang.checkpoint.1", keys)
    except Broken as error:
        verdict.integrity.append(f"the checkpoint: {error}")
        return
    verdict.sealed = checkpoint["time"]
    if sealed is not events[-1]:
        verdict.completeness.append(f"the events after {sealed.seq} are in no checkpoint yet")


def _root(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """RFC 9162 §2.1.3.2."""
    first, last, current = index, size - 1, leaf
    if not 0 <= index < size:
        return None
    for part in path:
        if last == 0:
            return None
        if first & 1 or first == last:
            current = sha256(b"\1" + part + current).digest()
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            current = sha256(b"\1" + current + part).digest()
        first, last = first >> 1, last >> 1
    return current if last == 0 else None


def _successors(keys: Keys, proof: Any) -> Keys:
    """`keys`, and those that they name as their successors."""
    ring = dict(keys)
    for statement in (proof or {}).get("rotations", ()):
        try:
            _check_signed(statement, "huifang.rotation.1", ring)
            raw = bytes.fromhex(statement["public"])
            if _sha(raw) == statement["to"]:
                ring[_sha(raw)] = Ed25519PublicKey.from_public_bytes(raw)
        except (Broken, KeyError, ValueError):
            continue
    return ring


def _check_signed(statement: Mapping[str, Any], format: str, keys: Keys) -> None:
    unsigned = {k: v for k, v in statement.items() if k != "signature"}
    key, signature = keys.get(statement["key"]), bytes.fromhex(statement["signature"])
    if key is None:
        raise Broken(f"signed by a key that is not trusted ({statement['key'][:16]}…)")
    try:
        key.verify(signature, f"{format}\n{_canonical(unsigned)}".encode())
    except InvalidSignature:
        raise Broken("the signature does not fit") from None
    if statement["format"] != format or signature.hex() != statement["signature"]:
        raise Broken("not what was written")


# -- sound


def _audio(events: list[Event], files: Mapping[str, bytes], verdict: Verdict) -> None:
    """Recordings are the ones the events name, and hold what was heard where they say so."""
    sound: tuple[bytes, int] | None = None
    for event in reversed(events):  # a recording is filed after what it holds
        if event.kind == "called":
            sound = None
        elif event.kind == "audio":
            sound = _recording(event, files, verdict)
        elif event.kind == "heard" and sound is not None and event.body.get("audio_sha256"):
            start, end = event.body.get("audio_start_ms"), event.body.get("audio_end_ms")
            if start is None or end is None:
                continue
            pcm, rate = sound
            first, last = (ms * rate // 1000 * 4 for ms in (start, end))
            caller = array("h", pcm[first:last])[0::2].tobytes()
            # A recording that was cut off by a fault may lack its last second, and says so.
            if _sha(caller) != event.body["audio_sha256"] and last <= len(pcm):
                verdict.integrity.append(
                    f"the recording does not hold what event {event.seq} heard"
                )


def _recording(
    event: Event, files: Mapping[str, bytes], verdict: Verdict
) -> tuple[bytes, int] | None:
    """Stereo samples and how many a second."""
    verdict.recordings += 1
    data = files.get(event.body["file"])
    if data is None:
        verdict.completeness.append(f"the recording of event {event.seq} is missing")
    elif _sha(data) != event.body["sha256"]:
        verdict.integrity.append(f"the recording of event {event.seq} was changed")
    else:
        try:
            with wave.open(io.BytesIO(data)) as file:
                form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
                pcm: bytes = file.readframes(file.getnframes())
        except (wave.Error, EOFError):
            form, pcm = (0, 0, 0), b""
        stereo = form in {(2, 2, 8000), (2, 2, 16000)}
        if stereo and len(pcm) == 4 * event.body["frames"]:
            return pcm, form[2]
        verdict.integrity.append(f"the recording of event {event.seq} cannot be played")
    return None


# -- completeness


def _missing(events: list[Event]) -> Iterator[str]:
    if events[0].kind != "created":
        yield "the record does not begin with its creation"
    starts = [n for n, event in enumerate(events) if event.kind == "called"]
    if not starts:
        yield "nobody was called"
    ends = [*starts[1:], len(events)][: len(starts)]
    for start, end in zip(starts, ends, strict=True):
        kinds = {event.kind for event in events[start:end]}
        if events[start].body["line"] == "phone" and "audio" not in kinds:
            yield f"the call of event {start} has no recording"
        if start == starts[-1] and "closed" not in kinds:
            yield f"the call of event {start} was not closed"
    answers = {e.body["item"]: e.body["as_expected"] for e in events if e.kind == "answered"}
    closed = [e.body for e in events if e.kind == "closed"]
    if closed and closed[-1]["state"].startswith("COMPLETED"):
        problems = sum(not expected for expected in answers.values())
        for name, count in {"answered": len(answers), "problems": problems}.items():
            if closed[-1].get(name, count) != count:
                yield f"closed with {name} {closed[-1][name]}, the answers here make {count}"
    for event in events:
        if event.kind in ("answered", "checked"):
            yield from _referred(event, "asked_seq", ("asked",), events)
            yield from _referred(event, "heard_seq", ("heard", "silence"), events)
        if event.kind == "answered" and event.body["as_expected"]:
            yield from _understood(event, events)


def _understood(answer: Event, events: list[Event]) -> Iterator[str]:
    """A yes to an item that is checked rests on the right answer to its comprehension question."""
    item, named = answer.body["item"], answer.body.get("checked_seq")
    since = events[answer.body.get("asked_seq") or 0 : answer.seq]
    asked = [e.body for e in since if e.kind == "asked"]
    due = any(
        body.get("checks") == item or (body["clause"] == item and body.get("must_check"))
        for body in asked
    )
    checks = [e for e in since if e.kind == "checked" and e.body["item"] == item]
    right = checks and checks[-1].seq == named and checks[-1].body["result"] == "right"
    if (due or named is not None) and not right:
        yield f"event {answer.seq} is a yes without the right answer to its question"


def _referred(
    event: Event, field: str, kinds: tuple[str, ...], events: list[Event]
) -> Iterator[str]:
    seq = event.body.get(field)
    if seq is not None and not any(e.seq == seq and e.kind in kinds for e in events[: event.seq]):
        yield f"event {event.seq} rests on event {seq}, which is not there"


# -- small things


def _sha(data: bytes) -> str:
    return sha256(data).hexdigest()


def _canonical(value: Mapping[str, Any]) -> str:
    """RFC 8785 for objects of strings and whole numbers with ASCII names."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def read_keys(pem: bytes) -> Keys:
    """By id. Raises ValueError."""
    end = b"-----END PUBLIC KEY-----"
    keys: Keys = {}
    for block in pem.split(end)[:-1]:
        key = load_pem_public_key(block + end + b"\n")
        if isinstance(key, Ed25519PublicKey):
            keys[_sha(key.public_bytes_raw())] = key
    if not keys:
        raise ValueError("no Ed25519 public key in it")
    return keys


def main(arguments: list[str], say: Callable[[str], object] = print) -> int:
    parser = argparse.ArgumentParser(description="Check an exported callback record.")
    parser.add_argument("export", type=Path, help="folder or ZIP")
    parser.add_argument("--key", type=Path, required=True, help="the insurer's public key, PEM")
    given = parser.parse_args(arguments)
    try:
        verdict = verify(given.export, read_keys(given.key.read_bytes()))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        say(f"cannot be read: {error}")
        return 2
    say(f"callback      {verdict.callback}")
    say(f"events        {verdict.events}, recordings {verdict.recordings}")
    say(f"sealed        {verdict.sealed or 'NOT'}")
    say(f"integrity     {'BROKEN' if verdict.integrity else 'ok'}")
    for words in verdict.integrity:
        say(f"              {words}")
    say(f"completeness  {'INCOMPLETE' if verdict.completeness else 'ok'}")
    for words in verdict.completeness:
        say(f"              {words}")
    if verdict.first_bad_event is not None:
        say(f"first bad     event {verdict.first_bad_event}")
    return 0 if verdict.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
