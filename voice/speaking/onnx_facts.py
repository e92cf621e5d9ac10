"""What an ONNX file says of itself, without loading it: its `metadata_props`.

Only the outermost message is walked, by the protobuf wire format (protobuf.dev/programming-guides/
encoding): of a model of 300 MB some hundred bytes are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from voice.errors import ModelError

METADATA: Final = 14
"""ModelProto.metadata_props, entries of 1: key and 2: value (onnx.proto)."""
MAX_ENTRY: Final = 1 << 20
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def facts(model: Path) -> dict[str, str]:
    """Key and value of every entry. Raises ModelError when this is no ONNX file, or a cut one."""
    found: dict[str, str] = {}
    try:
        size = model.stat().st_size
        with model.open("rb") as file:
            for number, at, length in _fields(file, size):
                if number == METADATA and length <= MAX_ENTRY:
                    key, value = _entry(file, at, length)
                    found[key] = value
    except OSError as error:
        raise ModelError(f"cannot read {model}: {error.strerror}") from error
    except ValueError as error:
        raise ModelError(f"{model} is no ONNX file, or was cut off; fetch it again") from error
    return found


def _fields(file: BinaryIO, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, place and length of each field of bytes up to `end`; other fields are passed over."""
    while file.tell() < end:
        tag = _varint(file)
        wire, length = tag & 7, 0
        if wire == _VARINT:
            _varint(file)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        elif wire == _BYTES:
            length = _varint(file)
        else:
            raise ValueError("not protobuf")
        at = file.tell()
        if at + length > end:
            raise ValueError("cut off")
        if wire == _BYTES:
            yield tag >> 3, at, length
        file.seek(at + length)


def _entry(file: BinaryIO, at: int, length: int) -> tuple[str, str]:
    parts = {1: b"", 2: b""}
    file.seek(at)
    for number, start, size in _fields(file, at + length):
        file.seek(start)
        parts[number] = file.read(size)
    return parts[1].decode(), parts[2].decode()


def _varint(file: BinaryIO) -> int:
    value = shift = 0
    while shift < 64:
        byte = file.read(1)
        if not byte:
            raise ValueError("cut off")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
        shift += 7
    raise ValueError("not protobuf")
