"""`huifang say`: a text into a WAV file, labelled as synthetic speech."""

from __future__ import annotations

import asyncio
from pathlib import Path

from voice.errors import SpeechFailed
from voice.speaking import wav
from voice.speaking.cache import write_atomically
from voice.speaking.speaker import Clip, Speaker


async def say(
    text: str, output: Path, speaker: Speaker, *, rate: float = 1.0, sample_rate: int = 24_000
) -> Clip:
    """Write `text` to `output`, whole or not at all, with the started `speaker`.

    Raises SpeechFailed when there is nothing in it to speak, it could not be spoken, or the file
    cannot be written; ValueError for a text or rate out of bounds.
    """
    clip = await speaker.render(text, rate=rate, sample_rate=sample_rate, urgent=True)
    if not clip.pcm:
        raise SpeechFailed("there is nothing to speak in this text")
    data = wav.encode(clip.pcm, clip.sample_rate)
    try:
        await asyncio.to_thread(write_atomically, output, data)
    except OSError as error:
        raise SpeechFailed(f"cannot write {output}: {error.strerror}") from error
    return clip
