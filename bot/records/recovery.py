"""What is done about calls that broke off in the middle, most of all those of a process that died.

Every committed answer is in the store already. What is left to do: close recordings that were being
written, seal those of an older version, and end attempts that nobody ended, so that the callback
can be called again and go on at its first open item. Run it before anything new begins.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import structlog

from bot.callbacks import Callbacks
from bot.conversation.ending import closing
from bot.errors import HuifangError, StoreUnavailable
from bot.evidence.audio import AudioFile, recover
from bot.evidence.ledger import Draft
from bot.evidence.recordings import SUFFIX, remove, seal_file
from bot.evidence.states import State
from bot.store import Callback, Erased

log = structlog.get_logger()

MARKER = ".recovered"
"""Its time is when the last recovery began."""
MARGIN_S = 24 * 3600.0  # for clocks that were set, and copies with other times


def filed(audio: AudioFile) -> Draft:
    """The event that ties a recording to its callback."""
    return Draft(
        "audio",
        {
            "file": audio.name,
            "sha256": audio.sha256,
            "frames": audio.frames,
            "rate": audio.rate,
            "partial": audio.partial,
        },
    )


def recording_name(callback: str, call: str) -> str:
    """File name of the recording of one call (`call`: the line's UUID) of a callback."""
    return f"{callback}.{call[:8]}.wav"


def recover_all(callbacks: Callbacks, audio_folder: Path) -> int:
    """At a start: what this bot had under way is over, and what no living bot has. Returns how
    many callbacks were mended. Blocking."""
    began = time.time()
    _seal_old(callbacks, audio_folder)
    ids = {*callbacks.store.unfinished(), *_recorded_lately(audio_folder)}
    mended = sum(_mended(callbacks, id, audio_folder) for id in ids)
    _remember(audio_folder, began)
    return mended


def recover_orphans(callbacks: Callbacks, audio_folder: Path) -> int:
    """While this bot runs: what other bots left that died, and what this one has on no line any
    more: a call that the exchange was to give back and did not, a conversation that broke while
    the store was away. Nobody would be called about either again. Returns how many were mended."""
    orphans = callbacks.store.sharing.orphans(callbacks.bot, callbacks.served)
    return sum(_mended(callbacks, id, audio_folder) for id in orphans)


def _mended(callbacks: Callbacks, id: str, audio_folder: Path) -> bool:
    try:
        return _recover(callbacks, callbacks.store.callback(id), audio_folder)
    except Erased:
        remove(audio_folder, id)  # killed while it was erased
        return False
    except (HuifangError, ValueError) as error:
        log.error("recovery.failed", callback=id, error=type(error).__name__)
        return False


def _seal_old(callbacks: Callbacks, audio_folder: Path) -> None:
    """Recordings that an older version left in clear."""
    found = list(audio_folder.glob("*.wav"))
    if found:
        log.info("recovery.sealing", recordings=len(found))
    for path in found:
        id = path.name.partition(".")[0]
        try:
            seal_file(path, callbacks.store.data_key(id))
        except (HuifangError, OSError, ValueError) as error:
            log.error("recovery.not_sealed", file=path.name, error=type(error).__name__)


def _recorded_lately(audio_folder: Path) -> set[str]:
    """Callbacks with a recording younger than the last recovery: a process may also have died
    after a callback was closed and before its recording was filed. Older ones were looked at."""
    marker = audio_folder / MARKER
    since = marker.stat().st_mtime - MARGIN_S if marker.exists() else 0.0
    files = audio_folder.glob(f"*.wav{SUFFIX}")
    return {path.name.partition(".")[0] for path in files if path.stat().st_mtime >= since}


def _remember(audio_folder: Path, began: float) -> None:
    """A folder that cannot be written only means that more is looked at the next time."""
    try:
        marker = audio_folder / MARKER
        marker.touch(mode=0o600)
        os.utime(marker, (began, began))
    except OSError as error:
        log.warning("recovery.not_remembered", error=error.strerror)


def _recover(callbacks: Callbacks, row: Callback, audio_folder: Path) -> bool:
    if callbacks.store.sharing.served_elsewhere(row.id, callbacks.bot):
        return False
    events = callbacks.store.events(row.id)
    known = {e.body["file"] for e in events if e.kind == "audio"}
    found = sorted(audio_folder.glob(f"{row.id}.*.wav{SUFFIX}"))
    lost = [path for path in found if path.name.removesuffix(SUFFIX) not in known]
    now, mono_ms = callbacks.clock.now(), callbacks.clock.mono_ms()
    if row.state is State.IN_PROGRESS:
        # A new generation: a process that only seemed dead can write no more.
        callbacks.store.transfer(
            row.id,
            row.generation,
            row.owner,
            [
                Draft(
                    "failed", {"part": "process", "error": "the conversation broke off in mid-call"}
                ),
                closing(callbacks.progress(row.id), "crashed"),
            ],
            now,
            mono_ms,
            state=State.INCOMPLETE,
            outcome="crashed",
        )
    key = callbacks.store.data_key(row.id)
    for path in lost:
        try:
            draft = filed(recover(path, key))
        except (StoreUnavailable, ValueError) as error:  # the others of this record are whole
            log.error("recovery.unreadable", file=path.name, error=type(error).__name__)
            continue
        callbacks.store.append(row.id, [draft], wall=now, mono_ms=mono_ms, generation=None)
    return bool(lost) or row.state is State.IN_PROGRESS
