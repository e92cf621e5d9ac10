"""What a conversation needs of any line, be it a phone call or a chat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from voice.frames import LineEvent
from voice.listening.closed_set import ClosedSet
from voice.listening.endpoint import Pauses

USUAL = Pauses()


@dataclass(frozen=True, slots=True)
class Speech:
    """One clause to be spoken or shown."""

    id: str  # unique on this line; comes back in `Played`
    text: str = field(repr=False)
    rate: float = 1.0  # 1.0 = the voice's own pace, 0.8 = slower (time-stretched, same pitch)
    gain_db: float = 0.0
    interruptible: bool = True  # False for disclosures, read-backs, farewells
    pause_ms: int = 250  # silence after it


class Line(Protocol):
    """A full-duplex line. `say`, `stop` and `listen` return at once; results are events.

    Events come in order from `next`. After `Hangup` no event follows.
    """

    kind: Literal["phone", "chat"]

    def say(self, speech: Sequence[Speech]) -> None:
        """Queue clauses. Each yields one `Played` event, whole or cut off."""

    def stop(self) -> None:
        """Drop what is queued and cut what is playing, interruptible or not."""

    def listen(
        self,
        patience_s: float,
        answers: ClosedSet | None = None,
        pauses: Pauses = USUAL,
        *,
        keys: bool = False,
    ) -> None:
        """Expect an answer: once the queue is empty and nobody has spoken for `patience_s`,
        one `Silence` is yielded. `answers` are those that make sense here: the recogniser scores
        them and the `Utterance` carries the scores. `pauses`: how much silence ends an
        utterance; more where numbers or dates are asked, and for the elderly. `keys`: 1 and 2 are
        answers, which matters where digits can be written as well."""

    async def next(self) -> LineEvent:
        """The next event; waits for it."""

    async def drain(self) -> None:
        """Wait until everything queued was played, or the line is gone."""

    async def close(self) -> None:
        """Hang up; safe to call twice."""
