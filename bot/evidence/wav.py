"""The WAV files of the record: 16 bit, with the AI label in their metadata. Pure bytes.

8,000 samples a second, 16,000 on a wideband line.

A recording is stereo, left the caller, right the bot. The label is a LIST/INFO comment
(人工智能生成合成内容标识办法 §5, GB 45438-2025: implicit label in the file's metadata), so that it
travels with every copy and is covered by the file's hash.
"""

from __future__ import annotations

import json
import struct
from array import array
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from voice.frames import PHONE_RATE

Channel = Literal["caller", "bot"]
LABEL = json.dumps({"AIGC": {"Label": "1", "Content": "bot channel: AI-synthesised speech"}})
"""In a recording, and in every cut of the bot's channel."""
HUMAN = json.dumps({"AIGC": {"Label": "0", "Content": "caller channel: human speech"}})

_SAMPLE = 2  # bytes


@dataclass(frozen=True, slots=True)
class Sound:
    """PCM of a recording, checked to be ours."""

    pcm: bytes  # stereo, interleaved, caller first
    rate: int = PHONE_RATE  # samples a second

    @property
    def frames(self) -> int:
        return len(self.pcm) // (2 * _SAMPLE)

    def cut(self, channel: Channel, start_ms: int, end_ms: int) -> bytes:
        """Mono PCM of one side from `start_ms` up to `end_ms`, as far as there is sound."""
        first, last = (max(0, ms) * self.rate // 1000 for ms in (start_ms, end_ms))
        samples = array("h", self.pcm[first * 4 : max(first, last) * 4])
        return samples[0 if channel == "caller" else 1 :: 2].tobytes()


def interleave(caller: bytes, bot: bytes) -> bytes:
    """Stereo PCM; a shorter side is filled up with silence so that both keep time."""
    size = max(len(caller), len(bot)) + 1 & ~1
    stereo = array("h", bytes(2 * size))
    stereo[0::2] = array("h", caller.ljust(size, b"\0"))
    stereo[1::2] = array("h", bot.ljust(size, b"\0"))
    return stereo.tobytes()


def header(frames: int, channels: int, label: str, rate: int = PHONE_RATE) -> bytes:
    """Everything before the samples; its length depends on the label alone."""
    block = channels * _SAMPLE
    comment = label.encode("ascii") + b"\0"
    comment += b"\0" * (len(comment) % 2)
    info = b"INFO" + b"ICMT" + struct.pack("<I", len(comment)) + comment
    chunks = b"fmt " + struct.pack(
        "<IHHIIHH", 16, 1, channels, rate, rate * block, block, 8 * _SAMPLE
    )
    chunks += b"LIST" + struct.pack("<I", len(info)) + info
    chunks += b"data" + struct.pack("<I", frames * block)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks) + frames * block) + b"WAVE" + chunks


STEREO_HEADER = len(header(0, 2, LABEL))
"""Bytes before the first sample of a recording."""
_SIZES = [4, STEREO_HEADER - 4]  # where the two lengths stand in it
_RATE_AT = 24
RATES = (PHONE_RATE, 2 * PHONE_RATE)


def rate_of(data: bytes) -> int:
    """The rate the header of a recording of ours states; the usual one for any other bytes."""
    stated = int.from_bytes(data[_RATE_AT : _RATE_AT + 4], "little")
    return stated if stated in RATES else PHONE_RATE


def is_recording(data: bytes) -> bool:
    """Whether `data` begins as a recording of ours does, whatever length it states."""
    ours = bytearray(header(0, 2, LABEL, rate_of(data)))
    given = bytearray(data[:STEREO_HEADER])
    for at in _SIZES:
        ours[at : at + 4] = given[at : at + 4] = bytes(4)
    return given == ours


def is_closed(data: bytes) -> bool:
    """Whether `data` is a recording of ours whose header states its true length."""
    frames, rest = divmod(len(data) - STEREO_HEADER, 4)
    return frames >= 0 and rest == 0 and data.startswith(header(frames, 2, LABEL, rate_of(data)))


def parse(data: bytes) -> Sound:
    """Raises ValueError for anything but a closed recording of ours."""
    if not is_closed(data):
        raise ValueError("not a recording of Huifang, or not closed")
    return Sound(data[STEREO_HEADER:], rate_of(data))


def mono(pcm: bytes, label: str, rate: int = PHONE_RATE) -> bytes:
    """A mono WAV file."""
    return header(len(pcm) // _SAMPLE, 1, label, rate) + pcm


def pcm_sha256(pcm: bytes) -> str:
    """Hash of bare samples, as `audio_sha256` in the events."""
    return sha256(pcm).hexdigest()


def file_sha256(path: Path) -> str:
    """Hash of a whole file, as `sha256sum` prints it. Raises OSError."""
    with path.open("rb") as file:
        digest = sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
