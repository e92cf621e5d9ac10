"""Records a call: both sides, sample by sample, without ever holding up the line.

The line writes one pair of frames a tick from its event loop; a thread seals them and puts them on
disk at least once a second, so that what a dying process leaves behind can be read, and `recover`
has little to do. A disk that fails ends the recording, not the call: the error is kept, and the
file is closed as partial.
"""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

import structlog

from bot.errors import StoreUnavailable
from bot.evidence.recordings import SUFFIX, plain_sha256, sealed_path
from bot.evidence.wav import RATES, interleave
from bot.vault.datakey import DataKey
from bot.vault.stream import HEADER_BYTES, Stream
from voice.frames import PHONE_RATE

log = structlog.get_logger()

FLUSH_S = 1.0
AT_ONCE = 25
"""Ticks handed to the thread together, half a second. Waking it at every tick of every call doubled
the cost of recording (20 calls: 0.11 CPU seconds a call-minute, now 0.055), and each time the line
and the thread contended for the interpreter."""
MAX_PENDING = 60 * 50  # ticks of 20 ms a hanging disk may be behind before we give up
MAX_S = 8 * 3600  # at 16 kHz still below the 4 GB of a WAV file

TORN = 2 * 16_000 * 4
"""Bytes that may be lost at a file's end: two seconds at the higher rate."""

_Tick = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A closed recording."""

    path: Path  # of the sealed file
    sha256: str  # of the whole WAV file; empty when it could not be read any more
    frames: int  # stereo samples
    partial: bool  # cut off by a fault
    rate: int = PHONE_RATE  # stereo samples a second

    @property
    def name(self) -> str:
        """Of the WAV file, as events name it."""
        return self.path.name.removesuffix(SUFFIX)


class StereoRecorder:
    """A `voice.tap.Tap` into a sealed WAV file: left the caller, right the bot."""

    def __init__(self, path: Path, key: DataKey, rate: int = PHONE_RATE) -> None:
        """Creates the file (0600) and its folder (0700); `path` is that of the WAV file (see
        `sealed_path`), `rate` the line's, Hz. Raises StoreUnavailable when it cannot, or when the
        file exists: a recording is never overwritten."""
        self.path, self._key, self._rate = sealed_path(path), key, rate
        self.error: str | None = None
        """Why recording stopped early, in words without personal data; None while all is well."""
        self._fresh: list[_Tick] = []  # not handed over yet
        self._ticks: SimpleQueue[list[_Tick] | None] = SimpleQueue()
        self._stream = Stream.new(key, rate)
        self._frames = self._written = 0  # on disk; only the thread changes them
        self._size = HEADER_BYTES
        self._closed: AudioFile | None = None
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._file = os.open(self.path, flags, 0o600)
            self._begin()
        except OSError as error:
            raise StoreUnavailable(f"the call cannot be recorded: {error.strerror}") from error
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def _begin(self) -> None:
        """The header, or no file at all."""
        try:
            _write(self._file, self._stream.header, 0)
        except OSError:
            os.close(self._file)
            self.path.unlink()
            raise

    def write(self, caller: bytes, bot: bytes) -> None:
        """One tick of both sides, s16le at the line's rate. Returns at once; never raises."""
        if self.error is None and self._closed is None:
            self._fresh.append((caller, bot))
            if len(self._fresh) >= AT_ONCE:
                self._ticks.put(self._fresh)
                self._fresh = []
                if self._ticks.qsize() > MAX_PENDING // AT_ONCE:
                    self._stop("the disk is too slow")

    def close(self) -> AudioFile:
        """Write what is left, sync it to disk and hash the file. Blocks for as long as that takes:
        call it from a worker thread. Safe to call twice; never raises."""
        if self._closed is None:
            self._ticks.put(self._fresh)
            self._ticks.put(None)
            self._thread.join()
            self._closed = self._finish()
        return self._closed

    def _finish(self) -> AudioFile:
        digest = ""
        try:
            _write(self._file, self._stream.frame(self._written, b"", last=True), self._size)
            os.fsync(self._file)
            digest = plain_sha256(self.path, self._key, self._frames)
        except (OSError, ValueError) as error:
            self._stop(getattr(error, "strerror", None) or "the disk failed")
        finally:
            os.close(self._file)
        partial = self.error is not None
        return AudioFile(self.path, digest, self._frames, partial, self._rate)

    def _run(self) -> None:
        pending = bytearray()
        ended = False
        while not ended:
            try:
                some = self._ticks.get(timeout=FLUSH_S)
            except Empty:
                self._flush(pending)
                continue
            if some is None:
                ended = True
            else:
                for tick in some:
                    pending += interleave(*tick)
            if ended or len(pending) >= self._rate * 4:  # one second
                self._flush(pending)

    def _flush(self, pending: bytearray) -> None:
        if self.error is None and pending:
            frames = self._frames + len(pending) // 4
            try:
                if frames > MAX_S * self._rate:
                    raise OSError(0, "the recording is too long")
                sealed = self._stream.frame(self._written, pending)
                _write(self._file, sealed, self._size)
                self._frames, self._written = frames, self._written + 1
                self._size += len(sealed)
            except OSError as error:
                self._stop(error.strerror or "the disk failed")
                self._cut_back()
        pending.clear()

    def _cut_back(self) -> None:
        """Drop a half-written frame."""
        try:
            os.ftruncate(self._file, self._size)
        except OSError as error:
            log.error("recording.damaged", error=error.strerror)

    def _stop(self, why: str) -> None:
        if self.error is None:
            self.error = why
            log.error("recording.failed", error=why)


def recover(path: Path, key: DataKey) -> AudioFile:
    """Close a recording whose process died: keep every whole frame, mark the last, hash it.

    `path` is that of the sealed file; of one with much behind the last whole frame an untouched
    copy stays beside it. Raises StoreUnavailable when it cannot be read or written, ValueError when
    it is not a recording of ours."""
    try:
        with path.open("r+b") as file:
            start = file.read(HEADER_BYTES)
            if len(start) < HEADER_BYTES:  # killed while creating it
                stream = Stream.new(key, PHONE_RATE)
                os.pwrite(file.fileno(), stream.header, 0)
            else:
                stream = Stream(key, start)
            kept = list(stream.frames(file))
            frames = sum(len(frame.plain) for frame in kept) // 4
            end = kept[-1].end if kept else HEADER_BYTES
            if path.stat().st_size > end + TORN:  # more than a death can explain
                shutil.copy2(path, path.with_name(path.name + ".damaged"))
            os.ftruncate(file.fileno(), end)
            if not (kept and kept[-1].last):
                _write(file.fileno(), stream.frame(len(kept), b"", last=True), end)
            os.fsync(file.fileno())
        rate = stream.rate if stream.rate in RATES else PHONE_RATE
        return AudioFile(path, plain_sha256(path, key, frames), frames, True, rate)
    except OSError as error:
        raise StoreUnavailable(f"a recording cannot be closed: {error.strerror}") from error


def _write(file: int, data: bytes | bytearray, at: int) -> None:
    """All of `data`; a short write means that the next one tells why."""
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, at)
        view, at = view[written:], at + written
