"""What can go wrong with sound. Each error says whether trying again helps, in the user's words."""

from __future__ import annotations


class VoiceError(Exception):
    """Base of all errors of lines, recognition and speech. The message is shown to the user."""

    retryable = False


class ModelError(VoiceError):
    """A speech model is missing or not the one it claims to be; the message says what to run."""


class LineError(VoiceError):
    """A line could not be opened (its port is taken, the address is not ours), or broke."""


class SpeechFailed(VoiceError):
    """A sentence could not be spoken, not even by a fresh engine."""

    retryable = True


class RecognitionFailed(VoiceError):
    """A stretch of sound could not be recognised: the engine failed or its queue is full."""

    retryable = True
