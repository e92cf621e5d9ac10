"""What of our words is on its way to the caller, and what was heard to its end. Pure.

An answer to a term counts only if the term was heard to its end: here is where that is known.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.conversation import hearing
from bot.conversation.acting import Plan, Spoken
from bot.errors import HuifangError
from bot.evidence.ledger import Draft
from voice.frames import Played
from voice.playback import FILLER


class Delivery:
    """Of one conversation. A clause goes out as several speeches, one for each sentence."""

    def __init__(self) -> None:
        self._spoken: dict[str, Spoken] = {}  # by the last speech of the clause
        self._outstanding: set[str] = set()
        self._parts: dict[str, Played] = {}  # of clauses that are still being played
        self._whole: dict[str, Played] = {}  # of the open question: what was heard to its end

    @property
    def pending(self) -> bool:
        """Whether anything is still to be played."""
        return bool(self._outstanding)

    def send(self, plan: Plan) -> None:
        """What is about to be said. With a question, what was heard before counts no more."""
        if plan.question:
            self._whole.clear()
        self._spoken |= {spoken.speech[-1]: spoken for spoken in plan.spoken}
        self._outstanding |= {speech.id for speech in plan.speech}

    def played(self, event: Played) -> list[Draft]:
        """A speech has left the line, whole or cut off. Returns the evidence of every clause that
        is over with it. Raises HuifangError if it could not be played."""
        if event.id.startswith(FILLER):  # the line's own words: nothing is claimed by them
            return [hearing.played(FILLER, [event])]
        if event.id not in self._outstanding:
            return []
        self._outstanding.discard(event.id)
        if event.complete:
            self._whole[event.id] = event
        elif event.reason.startswith("failed"):
            raise HuifangError("speech could not be played")
        self._parts[event.id] = event
        spoken = self._spoken.pop(event.id, None)
        if spoken is None:
            return []
        return [hearing.played(spoken.clause, [self._parts.pop(id) for id in spoken.speech])]

    def heard_out(self, speech: Sequence[str], at_ms: int) -> bool:
        """Whether each of these was heard to its end, and had begun by `at_ms`."""
        played = [self._whole.get(id) for id in speech]
        return all(p is not None and p.start_ms <= at_ms for p in played)

    def cut_off(self, speech: Sequence[str]) -> bool:
        """Whether one of these will not be heard to its end."""
        return not (self._outstanding | self._whole.keys()).issuperset(speech)
