"""Records a call: both sides, sample by sample, without ever holding up the line.

The line writes one pair of frames a tick from its event loop; a thread puts them on disk at least
once a second and then corrects the lengths in the header, so that what a dying process leaves
behind can be played, and `recover` has little to do. A disk that fails ends the recording, not the
call: the error is kept, and the file is closed as partial.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

import structlog

from bot.errors import StoreUnavailable
from bot.evidence.wav import (
    LABEL,
    STEREO_HEADER,
    file_sha256,
    header,
    interleave,
    is_recording,
    rate_of,
)
from voice.frames import PHONE_RATE

log = structlog.get_logger()

FLUSH_S = 1.0
MAX_PENDING = 60 * 50  # ticks of 20 ms a hanging disk may be behind before we give up
MAX_S = 8 * 3600  # at 16 kHz still below the 4 GB of a WAV file

_Tick = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A closed recording."""

    path: Path
    sha256: str  # of the whole file; empty when it could not be read any more
    frames: int  # stereo samples
    partial: bool  # cut off by a fault
    rate: int = PHONE_RATE  # stereo samples a second


class StereoRecorder:
    """A `voice.tap.Tap` into a WAV file: left the caller, right the bot."""

    def __init__(self, path: Path, rate: int = PHONE_RATE) -> None:
        """Creates the file (0600) and its folder (0700); `rate` is the line's, Hz. Raises
        StoreUnavailable when it cannot, or when the file exists: a recording is never
        overwritten."""
        self.path, self._rate = path, rate
        self.error: str | None = None
        """Why recording stopped early, in words without personal data; None while all is well."""
        self._ticks: SimpleQueue[_Tick | None] = SimpleQueue()
        self._frames = 0  # on disk; only the thread changes it
        self._closed: AudioFile | None = None
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._file = os.open(path, flags, 0o600)
            _write(self._file, header(0, 2, LABEL, rate), 0)
        except OSError as error:
            raise StoreUnavailable(f"the call cannot be recorded: {error.strerror}") from error
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def write(self, caller: bytes, bot: bytes) -> None:
        """One tick of both sides, s16le at the line's rate. Returns at once; never raises."""
        if self.error is None and self._closed is None:
            self._ticks.put((caller, bot))
            if self._ticks.qsize() > MAX_PENDING:
                self._stop("the disk is too slow")

    def close(self) -> AudioFile:
        """Write what is left, sync it to disk and hash the file. Blocks for as long as that takes:
        call it from a worker thread. Safe to call twice; never raises."""
        if self._closed is None:
            self._ticks.put(None)
            self._thread.join()
            self._closed = self._finish()
        return self._closed

    def _finish(self) -> AudioFile:
        digest = ""
        try:
            os.fsync(self._file)
            digest = file_sha256(self.path)
        except OSError as error:
            self._stop(error.strerror or "the disk failed")
        finally:
            os.close(self._file)
        partial = self.error is not None
        return AudioFile(self.path, digest, self._frames, partial, self._rate)

    def _run(self) -> None:
        pending = bytearray()
        ended = False
        while not ended:
            try:
                tick = self._ticks.get(timeout=FLUSH_S)
            except Empty:
                self._flush(pending)
                continue
            if tick is None:
                ended = True
            else:
                pending += interleave(*tick)
            if ended or len(pending) >= self._rate * 4:  # one second
                self._flush(pending)

    def _flush(self, pending: bytearray) -> None:
        """On an error the header keeps the length of what was surely written."""
        if self.error is None and pending:
            frames = self._frames + len(pending) // 4
            try:
                if frames > MAX_S * self._rate:
                    raise OSError(0, "the recording is too long")
                _write(self._file, pending, STEREO_HEADER + self._frames * 4)
                _write(self._file, header(frames, 2, LABEL, self._rate), 0)
                self._frames = frames
            except OSError as error:
                self._stop(error.strerror or "the disk failed")
                self._cut_back()
        pending.clear()

    def _cut_back(self) -> None:
        """Drop a half-written block, so that header and file agree."""
        try:
            os.ftruncate(self._file, STEREO_HEADER + self._frames * 4)
            _write(self._file, header(self._frames, 2, LABEL, self._rate), 0)
        except OSError as error:
            log.error("recording.damaged", error=error.strerror)

    def _stop(self, why: str) -> None:
        if self.error is None:
            self.error = why
            log.error("recording.failed", error=why)


def recover(path: Path) -> AudioFile:
    """Close a recording whose process died: keep every whole sample, state the length, hash it.

    Raises StoreUnavailable when the file cannot be read or written, ValueError when it is not a
    recording of ours."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            size = os.fstat(file).st_size
            start = os.pread(file, STEREO_HEADER, 0)
            # Killed while creating it: a part of the header at most.
            if size >= STEREO_HEADER and not is_recording(start):
                raise ValueError("not a recording of Huifang")
            frames, rate = max(0, size - STEREO_HEADER) // 4, rate_of(start)
            os.ftruncate(file, STEREO_HEADER + frames * 4)
            _write(file, header(frames, 2, LABEL, rate), 0)
            os.fsync(file)
        finally:
            os.close(file)
        return AudioFile(path, file_sha256(path), frames, True, rate)
    except OSError as error:
        raise StoreUnavailable(f"a recording cannot be closed: {error.strerror}") from error


def _write(file: int, data: bytes | bytearray, at: int) -> None:
    """All of `data`; a short write means that the next one tells why."""
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, at)
        view, at = view[written:], at + written
