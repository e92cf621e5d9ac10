"""How the recordings of a record are read: sealed in the data folder, in clear in an export."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Protocol

from bot.evidence.wav import LABEL, STEREO_HEADER, header, is_recording, rate_of
from bot.vault import private_file
from bot.vault.datakey import DataKey
from bot.vault.stream import HEADER_BYTES, Stream

SUFFIX = ".sealed"
"""Of the file on disk, behind the name that events give the recording."""

PIECE = 1 << 16
DAMAGED = "it is damaged, or was not closed"


class Recordings(Protocol):
    """The WAV files that the `audio` events of one record name."""

    def read(self, name: str) -> bytes | None:
        """None when there is no such file. Raises ValueError when it cannot be read as it was
        written, or `name` is no bare file name."""


class Plain:
    """A folder of WAV files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        path = self._folder / _checked(name)
        with _told():
            return path.read_bytes() if path.is_file() else None


class Sealed:
    """A folder of sealed WAV files; what an older version left in clear is read as it is."""

    def __init__(self, folder: Path, key: DataKey) -> None:
        self._folder, self._key = folder, key

    def read(self, name: str) -> bytes | None:
        path = sealed_path(self._folder / _checked(name))
        with _told():
            return unsealed(path, self._key) if path.is_file() else Plain(self._folder).read(name)


def sealed_path(path: Path) -> Path:
    """Where the recording `path` lies on the disk."""
    return path.with_name(path.name + SUFFIX)


def unsealed(path: Path, key: DataKey) -> bytes:
    """The whole WAV file. Raises ValueError, OSError."""
    with path.open("rb") as file:
        stream = Stream(key, file.read(HEADER_BYTES))
        frames = list(stream.frames(file))
        if not frames or not frames[-1].last or frames[-1].end != path.stat().st_size:
            raise ValueError(DAMAGED)
        pcm = b"".join(frame.plain for frame in frames)
        return header(len(pcm) // 4, 2, LABEL, stream.rate) + pcm


def plain_sha256(path: Path, key: DataKey, frames: int) -> str:
    """Hash of the WAV file of so many stereo samples that `path` holds sealed, in little memory.
    Raises ValueError, OSError."""
    with path.open("rb") as file:
        stream = Stream(key, file.read(HEADER_BYTES))
        digest, size = sha256(header(frames, 2, LABEL, stream.rate)), 0
        for frame in stream.frames(file):
            digest.update(frame.plain)
            size += len(frame.plain)
        if size != frames * 4:
            raise ValueError(DAMAGED)
        return digest.hexdigest()


def seal_file(path: Path, key: DataKey) -> Path:
    """Seal a recording that an older version left in clear, closed or not, then remove that.

    Returns the new path. Raises ValueError when it is no recording of ours, OSError."""
    data = path.read_bytes()
    if len(data) >= STEREO_HEADER and not is_recording(data):
        raise ValueError("not a recording of Huifang")
    pcm = data[STEREO_HEADER:]
    target = sealed_path(path)
    private_file.write(target, b"".join(_sealed(pcm[: len(pcm) // 4 * 4], rate_of(data), key)))
    path.unlink()
    private_file.sync_folder(path.parent)
    return target


def remove(audio_folder: Path, callback: str) -> int:
    """Of an erased record: nobody could read them any more. Returns how many files."""
    found = list(audio_folder.glob(f"{callback}.*"))
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def _sealed(pcm: bytes, rate: int, key: DataKey) -> Iterator[bytes]:
    stream = Stream.new(key, rate)
    yield stream.header
    number = 0
    for at in range(0, len(pcm), PIECE):
        yield stream.frame(number, pcm[at : at + PIECE])
        number += 1
    yield stream.frame(number, b"", last=True)


@contextmanager
def _told() -> Iterator[None]:
    """A file that the disk or its rights keep from us is a finding about that recording."""
    try:
        yield
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from error


def _checked(name: str) -> str:
    if PurePosixPath(name).name != name or os.sep in name:
        raise ValueError("its name is no file name")
    return name
