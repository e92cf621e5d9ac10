"""What a line needs of any recogniser."""

from __future__ import annotations

from typing import Protocol

from voice.frames import Transcript
from voice.listening.closed_set import ClosedSet


class Session(Protocol):
    """The recognition of one stretch of speech. Blocking: call it on a worker thread, from one
    thread at a time."""

    def accept(self, pcm: bytes) -> str | None:
        """Take more sound (s16le mono at the session's rate). Returns the text so far, or None
        where the engine recognises only whole utterances."""

    def finish(self) -> Transcript:
        """Recognise what was taken. The session may not be used afterwards."""

    def abandon(self) -> None:
        """From any thread: nobody wants to know any more. A `finish` that is under way may stop at
        its next step and raise RecognitionFailed."""

    def hurry(self) -> None:
        """From any thread: others wait. What only makes a result better is left out, if it is not
        under way yet."""


class Recogniser(Protocol):
    """An engine with its model loaded; shared between calls, safe to use from several threads."""

    name: str  # engine, model and the model's hash where it is known, for the record
    streaming: bool  # True: `accept` returns partial texts; feed it from the first frame on

    def session(self, rate: int, answers: ClosedSet | None = None) -> Session:
        """Begin one stretch of speech at `rate` Hz. `answers`: what makes sense as an answer here;
        where given, the transcript carries scores (see `closed_set`). Blocking."""
