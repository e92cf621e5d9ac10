"""What was spoken once is not spoken again: clauses on disk, ready-made clips in memory.

On disk a clause lies at the engine's own rate, so that any pace and line is made from it without a
new synthesis. Its key is the voice's name, the version of everything that shapes the sound, the
text, and what the lexicon says of it: a new reading renews the clauses that hold it, and no other.
A file that is damaged counts as absent. Sentences speak of policyholders: with a `Cipher` the files
are sealed, and their names are keyed hashes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

import structlog

from voice.dsp import Samples, pcm_from, samples_from
from voice.speaking import lexicon, wav

DISK_BYTES: Final = 2 << 30
ROOM_BYTES: Final = 10 << 30
"""Of the disk for all else: where less is free, no more than `DISK_BYTES` are kept. What one policy
is told takes about 10 MB, and without room for its recording every call is a human's."""
LOOK_BYTES: Final = 256 << 20  # written between two looks at that
IDLE_S: Final = 60 * 24 * 3600.0
"""What nobody was told for so long goes: a callback and its repetitions take weeks, not months."""
MEMORY_BYTES: Final = 32 << 20  # half an hour of 8 kHz

_SHAPING: Final = ("kokoro.py", "pyttsx3_.py", "reading.py", "loudness.py")
SHERPA_SHAPING: Final = ("sherpa.py", "homophones.py", "pieces.py", "breaths.py", "loudness.py")
_PACKAGES: Final = ("onnxruntime", "misaki", "pypinyin", "jieba", "pyttsx3")

log = structlog.get_logger()

Key = TypeVar("Key", bound=Hashable)


def sound_version(shaping: Iterable[str] = _SHAPING) -> str:
    """Changes with all code and libraries that shape the sound; clauses of before lie idle then."""
    digest = hashlib.sha256()
    for name in shaping:
        digest.update(Path(__file__).with_name(name).read_bytes())
    for package in _PACKAGES:
        digest.update(f"{package}={metadata.version(package)}\n".encode())
    return digest.hexdigest()


class Cipher(Protocol):
    """What of `bot.vault.datakey.DataKey` is needed here."""

    def seal(self, plain: bytes, about: str) -> bytes: ...

    def open(self, sealed: bytes, about: str) -> bytes:
        """Raises ValueError."""

    def digest(self, value: str) -> str:
        """A keyed hash, hex."""


class SpeechCache:
    """Clauses on disk. Blocking; safe from several threads and processes."""

    def __init__(
        self, folder: Path, version: str | None = None, cipher: Cipher | None = None
    ) -> None:
        """Without `cipher` clauses lie in clear: for sentences about nobody."""
        self.folder, self._cipher = folder, cipher
        self._written = 0  # bytes since the last look at the disk
        self._played: set[tuple[str, str]] = set()  # from memory, not told to the disk yet
        self._version = sound_version() if version is None else version

    def load(self, voice: str, text: str) -> tuple[Samples, int] | None:
        """Samples and rate, or None when it must be spoken."""
        path = self.path(voice, text)
        try:
            data = path.read_bytes()
            pcm, rate = wav.decode(
                data if self._cipher is None else self._cipher.open(data, path.name)
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("speech.cache_unreadable", file=path.name, reason=str(error))
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # keeps it from being pruned
        return samples_from(pcm), rate

    def store(self, voice: str, text: str, samples: Samples, rate: int) -> None:
        """Keep a clause, whole or not at all. A full disk costs the cache, not the call."""
        self.freshen()
        path = self.path(voice, text)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            data = wav.encode(pcm_from(samples), rate)
            if self._cipher is not None:
                data = self._cipher.seal(data, path.name)
            write_atomically(path, data)
            self._make_room(len(data))
        except OSError as error:
            log.warning("speech.cache_not_written", reason=error.strerror)

    def _make_room(self, written: int) -> None:
        self._written += written
        if self._written >= LOOK_BYTES:
            self._written = 0
            short = shutil.disk_usage(self.folder).free < ROOM_BYTES
            removed = self.prune(DISK_BYTES if short else sys.maxsize)
            log.info("speech.cache_looked_at", short_of_room=short, pruned_bytes=removed)

    def played(self, voice: str, text: str) -> None:
        """A clause was played from memory: what is said in every call would lie untouched on disk,
        and be pruned first. Does not block."""
        self._played.add((voice, text))

    def freshen(self) -> None:
        """Tell the disk what was played."""
        with contextlib.suppress(KeyError):  # none is left
            while True:
                path = self.path(*self._played.pop())
                with contextlib.suppress(OSError):
                    os.utime(path)

    def __contains__(self, key: tuple[str, str]) -> bool:
        """Whether (voice, text) lies on disk."""
        return self.path(*key).is_file()

    def forget(self, text: str) -> int:
        """Remove a text in every voice and version; returns how many clauses."""
        found = list(self._folder_of(text).glob(f"{self._digest(text)}.*"))
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)

    def prune(self, limit: int = DISK_BYTES, idle_s: float = IDLE_S) -> int:
        """Remove what was not used for `idle_s`, what is not of this kind (sealed or in clear), and
        then what was used longest ago until `limit` bytes are left; returns bytes removed."""
        self.freshen()
        files = sorted((s.st_mtime, s.st_size, p) for p, s in _sizes(self.folder))
        excess = sum(size for _, size, _ in files) - limit
        before, removed = time.time() - idle_s, 0
        for used, size, path in files:
            if removed < excess or used < before or path.suffix != self._suffix:
                path.unlink(missing_ok=True)
                removed += size
        return removed

    @property
    def _suffix(self) -> str:
        return ".wav" if self._cipher is None else ".sealed"

    def _digest(self, value: str) -> str:
        if self._cipher is not None:
            return self._cipher.digest(value)
        return hashlib.sha256(value.encode()).hexdigest()

    def _folder_of(self, text: str) -> Path:
        return self.folder / self._digest(text)[:2]

    def path(self, voice: str, text: str) -> Path:
        """Where this clause lies or would lie."""
        how = "\0".join((voice, self._version, *lexicon.applied(text)))
        spoken = hashlib.sha256(how.encode()).hexdigest()[:16]
        return self._folder_of(text) / f"{self._digest(text)}.{spoken}{self._suffix}"


class ClipMemory(Generic[Key]):
    """The clips used last, as PCM, up to a number of bytes. Safe from several threads."""

    def __init__(self, limit: int = MEMORY_BYTES) -> None:
        self._limit = limit
        self._clips: OrderedDict[Key, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: Key) -> bytes | None:
        with self._lock:
            if key in self._clips:
                self._clips.move_to_end(key)
            return self._clips.get(key)

    def put(self, key: Key, pcm: bytes) -> None:
        with self._lock:
            self._size += len(pcm) - len(self._clips.pop(key, b""))
            self._clips[key] = pcm
            while self._size > self._limit:
                self._size -= len(self._clips.popitem(last=False)[1])


def write_atomically(path: Path, data: bytes) -> None:
    """The file is there whole, under its name, or not at all. Raises OSError."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _sizes(folder: Path) -> list[tuple[Path, os.stat_result]]:
    found = []
    for path in folder.glob("??/*"):
        with contextlib.suppress(FileNotFoundError):  # pruned by another process
            found.append((path, path.stat()))
    return found
