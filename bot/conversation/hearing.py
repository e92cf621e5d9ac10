"""What was heard, keyed and played, as drafts of evidence. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from bot.dialogue.protocol import Moved
from bot.evidence.ledger import Draft
from voice.frames import Played, Utterance


def spoken(said: Utterance, moved: Moved | None) -> Draft:
    """One utterance, typed message or button, with what the dialogue made of it."""
    return Draft(
        "heard",
        {
            "via": said.via,
            "text": said.original or said.text,
            **({"read_as": said.text} if said.original else {}),
            "confidence": round(said.confidence, 4),
            "no_speech": round(said.no_speech, 4),
            **said.clues(),
            "scores": {name: round(ratio, 3) for name, ratio in said.scores.items()},
            "engine": said.engine,
            "start_ms": said.start_ms,
            "end_ms": said.end_ms,
            "over": said.over,
            "echo_ms": said.echo_ms,
            **_sound(said),
            **_meaning(moved),
        },
    )


def keyed(digits: str, at_ms: int, moved: Moved | None) -> Draft:
    """Keys pressed; `at_ms` is the time of the last one."""
    body = {"via": "key", "text": digits, "confidence": 1.0, "start_ms": at_ms}
    return Draft("heard", body | {"end_ms": at_ms, "audio_sha256": None, **_meaning(moved)})


def played(clause: str, parts: Sequence[Played]) -> Draft:
    """A clause left the line: whole only if each of its sentences did."""
    return Draft(
        "played",
        {
            "clause": clause,
            "complete": all(part.complete for part in parts),
            "start_ms": parts[0].start_ms,
            "end_ms": parts[-1].end_ms,
            "voice": parts[0].voice,
            "reason": next((part.reason for part in parts if part.reason), ""),
        },
    )


def _sound(said: Utterance) -> dict[str, Any]:
    """What ties an utterance to the recording."""
    if not said.pcm:
        return {"audio_sha256": None}
    return {
        "audio_sha256": hashlib.sha256(said.pcm).hexdigest(),
        "audio_start_ms": said.pcm_start_ms,
        "audio_end_ms": said.pcm_end_ms,
    }


def _meaning(moved: Moved | None) -> dict[str, Any]:
    if moved is None or moved.meaning is None:
        return {}
    meaning = moved.meaning
    return {
        "intent": meaning.intent,
        "answer": meaning.answer,
        "request": meaning.request,
        "reason": meaning.reason,
    }
