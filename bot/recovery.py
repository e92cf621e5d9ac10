"""What a start does about a process that died in the middle of calls.

Every committed answer is in the store already. What is left to do: close recordings that were being
written, and end attempts that nobody ended, so that the callback can be called again and go on at
its first open item. Run it before anything new begins.
"""

from __future__ import annotations

from pathlib import Path

import structlog

from bot.callbacks import Callbacks
from bot.conversation import closing
from bot.errors import HuifangError
from bot.evidence.audio import AudioFile, recover
from bot.evidence.ledger import Draft
from bot.evidence.states import State
from bot.store import Callback

log = structlog.get_logger()


def filed(audio: AudioFile) -> Draft:
    """The event that ties a recording to its callback."""
    return Draft(
        "audio",
        {
            "file": audio.path.name,
            "sha256": audio.sha256,
            "frames": audio.frames,
            "partial": audio.partial,
        },
    )


def recording_name(callback: str, call: str) -> str:
    """File name of the recording of one call (`call`: the line's UUID) of a callback."""
    return f"{callback}.{call[:8]}.wav"


def recover_all(callbacks: Callbacks, audio_folder: Path) -> int:
    """Returns how many callbacks were mended. Blocking."""
    mended = 0
    for row in callbacks.store.open_callbacks():
        try:
            mended += _recover(callbacks, row, audio_folder)
        except (HuifangError, ValueError) as error:
            log.error("recovery.failed", callback=row.id, error=type(error).__name__)
    return mended


def _recover(callbacks: Callbacks, row: Callback, audio_folder: Path) -> bool:
    events = callbacks.store.events(row.id)
    known = {e.body["file"] for e in events if e.kind == "audio"}
    lost = [p for p in sorted(audio_folder.glob(f"{row.id}.*.wav")) if p.name not in known]
    now, mono_ms = callbacks.clock.now(), callbacks.clock.mono_ms()
    if row.state is State.IN_PROGRESS:
        callbacks.store.append(
            row.id,
            [
                Draft("failed", {"part": "process", "error": "the process ended in mid-call"}),
                closing(callbacks.progress(row.id), "crashed"),
            ],
            wall=now,
            mono_ms=mono_ms,
            generation=row.generation,
            state=State.INCOMPLETE,
            outcome="crashed",
        )
    for path in lost:
        draft = filed(recover(path))
        callbacks.store.append(row.id, [draft], wall=now, mono_ms=mono_ms, generation=None)
    return bool(lost) or row.state is State.IN_PROGRESS
