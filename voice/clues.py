"""What is known of a sound beside its text: one value from the recogniser to the judge.

Whatever carries an utterance is a `Clues` itself and hands them on whole, as the fields of the next
(`Turn(…, **said.clues())`) or as JSON. A new clue is added here, made by the recogniser, and named
in the format of the record. Standard library only: both Python versions import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

MAX_CLUE = 2000  # letters of one clue


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """All are empty where nobody listened: for a key, for typed text."""

    scores: Mapping[str, float] = field(default_factory=dict)
    """Closed-set scores (see `listening.closed_set`): "yes_no" = yes against the best no,
    "yes_other" = yes against the best other, "urgent" = a wish for a human against all else,
    "known" = the best of all against the free text; ratios, > 1 favours the first. The probability
    of a negation that was not written ("lost_no") or was ("said_no", `listening.negation`). And
    "snr_db", how far the voice stands above the noise (`listening.noise`). Of the second reader, in
    nats (`listening.phones`): "written", how much worse than what it spelt the text explains the
    sound, and "undenied" and "spelt_undenied", how much better than its denial the text does and
    what was spelt does. Empty if not asked."""
    nearest: str = field(default="", repr=False)
    """The answer of the closed set that explains the sound best; empty if none was found."""
    sounds: str = field(default="", repr=False)
    """What a second reader spells of the same sound (`listening.phones`): syllables of pinyin
    without tones, "qing chu le". Empty where it heard none or was not asked."""
    spelt: str = field(default="", repr=False)
    """The text, if that is spelt so, or the answer of the closed set that is; empty if neither."""

    def clues(self) -> dict[str, Any]:
        """By name: the fields of whatever carries them on, and what JSON has of them."""
        return {clue.name: getattr(self, clue.name) for clue in fields(Clues)}

    def well_typed(self) -> bool:
        """Whether each is of its type, where they came in as JSON."""
        blank = Clues().clues()
        return all(isinstance(clue, type(blank[name])) for name, clue in self.clues().items())


def clues_in(data: Mapping[str, Any]) -> dict[str, Any]:
    """What `data` says of them by name, each bounded. Raises ValueError and TypeError for scores
    that are no numbers."""
    texts = [clue.name for clue in fields(Clues) if clue.name != "scores"]
    return {
        "scores": {name: float(ratio) for name, ratio in (data.get("scores") or {}).items()},
        **{name: str(data.get(name) or "")[:MAX_CLUE] for name in texts},
    }
