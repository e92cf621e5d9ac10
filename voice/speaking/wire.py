"""The frames between the speaker and its child, over a socket pair.

    length of the JSON (4 bytes) | length of the sound (4 bytes) | JSON object | float32 samples

Both lengths big-endian. The kind of a message stands under "kind":

    to the child    open    the EngineSpec; once, first
                    speak   text
    to the parent   ready   name, rate, pace, cpu_s (spent on loading)
                    sound   one piece; the samples follow
                    done    cpu_s (spent on this text)
                    failed  error, model (true: the model or the system lacks something)
"""

from __future__ import annotations

import json
import struct
from typing import Any

HEADER = struct.Struct(">II")
MAX_JSON = 64 * 1024
MAX_SOUND = 64 * 1024 * 1024  # more than ten minutes at 24 kHz

Message = dict[str, Any]


def pack(message: Message, sound: bytes = b"") -> bytes:
    """One frame."""
    body = json.dumps(message, ensure_ascii=False).encode()
    return HEADER.pack(len(body), len(sound)) + body + sound


def lengths(header: bytes) -> tuple[int, int]:
    """Of the JSON and of the sound that follow. Raises ValueError for what cannot be ours."""
    body, sound = HEADER.unpack(header)
    if not 0 < body <= MAX_JSON or sound > MAX_SOUND or sound % 4:
        raise ValueError(f"speech frame of {body} + {sound} bytes")
    return body, sound


def message_from(body: bytes) -> Message:
    """Raises ValueError unless it is a JSON object with a kind."""
    message = json.loads(body)
    if not isinstance(message, dict) or not isinstance(message.get("kind"), str):
        raise ValueError("speech frame without a kind")
    return message
