"""Whisper, and a recogniser of another make where Whisper alone cannot be believed.

What Whisper mishears and what Vosk mishears have little to do with each other. So where the scores
of the known answers are for a yes and the words are not (3 for 对, 调节 for 了解), Vosk hears the
same sound, and what it wrote is one voice more (rules.yml, section `agreement`). It is asked in a
sixth of all answers, for 0.15 s of a core each.
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from voice.errors import RecognitionFailed
from voice.frames import Transcript
from voice.listening import complete
from voice.listening.closed_set import ClosedSet
from voice.listening.protocols import Recogniser, Session

YES_NO, YES_OTHER = 3.0, 1.0  # of the first recogniser's ratios: below, it is no yes anyhow
MAX_SECONDS = 3.0  # the first recogniser scores nothing longer
_RATIOS = ("yes_no", "yes_other")

log = structlog.get_logger()


class Panel:
    """Both recognisers, shared between calls."""

    streaming = False

    def __init__(self, first: Recogniser, other: Recogniser) -> None:
        """`first` recognises everything, whole utterances; `other` what is in question after it."""
        self._first, self._other = first, other
        self.name = f"{first.name} {other.name}"

    def session(self, rate: int, answers: ClosedSet | None = None) -> PanelSession:
        """Begin an utterance at `rate` Hz. Raises ValueError for a rate that neither takes."""
        return PanelSession(self._first.session(rate, answers), self._other, rate, answers)


class PanelSession:
    """One utterance."""

    def __init__(
        self, first: Session, other: Recogniser, rate: int, answers: ClosedSet | None
    ) -> None:
        self._first, self._other = first, other
        self._rate, self._answers = rate, answers
        self._pcm = bytearray()
        self._room = int(MAX_SECONDS * rate) * 2
        self._hurried = False

    def accept(self, pcm: bytes) -> None:
        """Take more sound."""
        self._first.accept(pcm)
        self._pcm += pcm[: self._room - len(self._pcm)]

    def abandon(self) -> None:
        """Stop at the next step."""
        self._first.abandon()
        self._hurried = True

    def hurry(self) -> None:
        """Nobody else is asked, unless that is under way."""
        self._first.hurry()
        self._hurried = True

    def finish(self) -> Transcript:
        """Recognise it. Raises RecognitionFailed where the first recogniser fails."""
        heard = self._first.finish()
        if self._answers is None or self._hurried or not in_question(heard):
            return heard
        try:
            other = self._asked(self._answers)
        except RecognitionFailed as error:
            log.warning("panel.failed", error=str(error))
            return heard
        ratios = {f"vosk_{name}": other.scores[name] for name in _RATIOS if name in other.scores}
        return replace(
            heard,
            engine=f"{heard.engine} {self._other.name}",
            ms=heard.ms + other.ms,
            scores={**heard.scores, **ratios},
            vosk=other.text if other.text in self._answers.phrases else "",
        )

    def _asked(self, answers: ClosedSet) -> Transcript:
        session = self._other.session(self._rate, answers)
        session.accept(bytes(self._pcm))
        return session.finish()


def in_question(heard: Transcript) -> bool:
    """Whether the scores are for a yes, and the words as they are written and as a second reader
    spelt them are not the same."""
    scores = heard.scores
    yes = scores.get("yes_no", 0.0) >= YES_NO and scores.get("yes_other", 0.0) >= YES_OTHER
    return yes and complete.bare(heard.text) != heard.spelt
