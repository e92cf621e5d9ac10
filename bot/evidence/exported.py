"""The files of an exported record: their names and exact form. Pure; writer and verifier share it.

manifest.json   SHA-256 of every other file, number and hash of the last event
signature.json  the insurer's signature over the manifest
proof.json      the record's place in the tree of a signed checkpoint
verify_record.py  the check for people who have only the public key
events.jsonl    the chain, one canonical JSON object a line
record.json     policy facts, callback, and the summary of the events
index.html      the same for people
NAME.wav        the recording of each call
sounds/         each clause as it was spoken, each answer as it was heard, cut from these
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from bot.evidence import wav
from bot.evidence.kinds import check
from bot.evidence.ledger import Event, canonical
from bot.evidence.summary import span_ms
from bot.store.records import Seal

MANIFEST = "manifest.json"
SIGNATURE = "signature.json"
PROOF = "proof.json"
VERIFIER = "verify_record.py"
EVENTS = "events.jsonl"
RECORD = "record.json"
PAGE = "index.html"
SOUNDS = "sounds"

_HEADER = {f.name for f in fields(Event)} - {"text"}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an export consists of."""

    callback: str
    head: tuple[int, str] | None  # number and hash of the last event
    files: Mapping[str, str]  # path within the folder -> SHA-256


def write_manifest(manifest: Manifest) -> bytes:
    head = manifest.head
    return (
        canonical(
            {
                "format": "huifang.export.1",
                "callback": manifest.callback,
                "head": head and {"seq": head[0], "hash": head[1]},
                "files": dict(manifest.files),
            }
        )
        + "\n"
    ).encode()


def read_manifest(data: bytes) -> Manifest:
    """Raises ValueError for anything that `write_manifest` did not write."""
    try:
        value = json.loads(data)
        head = value["head"]
        manifest = Manifest(
            str(value["callback"]),
            head and (int(head["seq"]), str(head["hash"])),
            {str(name): str(digest) for name, digest in value["files"].items()},
        )
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError("not a manifest") from error
    if write_manifest(manifest) != data:
        raise ValueError("not in its canonical form")
    return manifest


def write_proof(seal: Seal, rotations: Sequence[Mapping[str, Any]]) -> bytes:
    """Leaf, path and checkpoint, and who follows which key."""
    leaf = seal.leaf
    proof = {
        "format": "huifang.proof.1",
        "leaf": {"callback": leaf.callback, "seq": leaf.seq, "hash": leaf.head},
        "index": leaf.index,
        "path": [part.hex() for part in seal.path],
        "checkpoint": dict(seal.checkpoint),
        "rotations": [dict(statement) for statement in rotations],
    }
    return (canonical(proof) + "\n").encode()


def write_event(event: Event) -> bytes:
    """One line of `events.jsonl`, without its end."""
    header = {k: v for k, v in asdict(event).items() if k in _HEADER}
    return canonical({**header, "body": event.body}).encode()


def read_event(line: bytes) -> Event:
    """Raises ValueError for a line that `write_event` did not write."""
    try:
        value: dict[str, Any] = json.loads(line)
        event = Event(text=canonical(value["body"]), **{k: value[k] for k in _HEADER})
        same = value.keys() == {*_HEADER, "body"} and write_event(event) == line
        check(event.kind, value["body"])
        # Whoever walks a chain compares these.
        same = same and type(event.seq) is int and type(event.mono_ms) is int
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("not an event") from error
    if not same:
        raise ValueError("not in its canonical form")
    return event


def cut_name(event: Event) -> str:
    """Path of the sound of a `played` or `heard` event."""
    what = "heard" if event.kind == "heard" else "spoken"
    return f"{SOUNDS}/{event.seq:04d}-{what}.wav"


def cut(event: Event, sound: wav.Sound) -> bytes:
    """That sound as a WAV file: our side with the AI label, or the caller's."""
    start, end = span_ms(event)
    if event.kind == "heard":
        return wav.mono(sound.cut("caller", start, end), wav.HUMAN, sound.rate)
    return wav.mono(sound.cut("bot", start, end), wav.LABEL, sound.rate)
