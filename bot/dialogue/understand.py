"""What lines of text mean as answers: the batch behind `huifang understand`.

A line is `Q+<TAB>utterance` or `Q-<TAB>utterance`: the question hopes for a yes, or for a no.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from bot.dialogue.protocol import MAX_TEXT, Answer, Meaning

_EXPECTED: dict[str, Answer] = {"Q+": "yes", "Q-": "no"}
_SHOWN = 40  # characters of a bad line's first column that are told back


class Parser(Protocol):
    """What is needed of `bot.dialogue.client.Dialogue`."""

    async def parse(self, text: str, expect: Answer | None = None) -> Meaning: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """One utterance and the answer its question hopes for."""

    text: str
    expect: Answer


def read_line(line: str) -> Asked:
    """Raises ValueError, in words for the user, for a line of another form."""
    kind, tab, text = line.rstrip("\r\n").partition("\t")
    expect = _EXPECTED.get(kind.strip())
    if not tab or expect is None:
        shown = kind[:_SHOWN] if expect is None else kind
        raise ValueError(f"expected Q+<TAB>utterance or Q-<TAB>utterance, got {shown!r}")
    return Asked(text, expect)


async def understand(
    lines: AsyncIterable[str] | Iterable[str], dialogue: Parser
) -> AsyncIterator[dict[str, Any]]:
    """One object a line, in order: answer, request, intent, confidence, reason; for a bad line
    `line` (its number, from 1) and `error`. Empty lines are skipped.

    Raises DialogueUnavailable when no worker answers.
    """
    number = 0
    async for line in _each(lines):
        number += 1
        if not line.strip("\r\n"):
            continue
        try:
            asked = read_line(line)
        except ValueError as error:
            yield {"line": number, "error": str(error)}
            continue
        # One character beyond the limit is enough for the guard to know that there was more.
        yield asdict(await dialogue.parse(asked.text[: MAX_TEXT + 1], asked.expect))


async def _each(lines: AsyncIterable[str] | Iterable[str]) -> AsyncIterator[str]:
    if isinstance(lines, AsyncIterable):
        async for line in lines:
            yield line
    else:
        for line in lines:
            yield line
