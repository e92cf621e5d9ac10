"""What is personal, as a type, and as a shape where the type was lost. Pure.

A `Personal` masks itself wherever it is shown as a value: in the repr of what holds it, in a
traceback, in a log. Text that was made of it is no `Personal` any more; `masked` goes by shape
then, and rather hides too much: Chinese and Korean characters, and numbers of a telephone's length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

MASK = "***"
MAX_DEPTH = 4

_HAN = r"\u3400-\u9fff\U00020000-\U000323af"
_HANGUL = r"\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"
_HANZI = rf"[{_HAN}{_HANGUL}]+(?:[·，、]?[{_HAN}{_HANGUL}0-9]+)*"
_NUMBER = r"(?<![0-9A-Za-z.@-])\+?[0-9]{7,}[Xx]?(?![0-9A-Za-z-])"
_SHAPES = re.compile(f"{_HANZI}|{_NUMBER}")


class Personal(str):
    """A name, a number or words of a person: a str in all but how it shows itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return MASK


def masked(text: str) -> str:
    """`text` without what has the shape of something personal."""
    return _SHAPES.sub(MASK, text)


def shown(value: Any, depth: int = MAX_DEPTH) -> Any:
    """`value` as it may stand in a log: by its type, then by its shape."""
    if isinstance(value, Personal | bytes | bytearray) or depth == 0:
        return MASK
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {str(shown(k)): shown(v, depth - 1) for k, v in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [shown(v, depth - 1) for v in value]
    return masked(repr(value))
