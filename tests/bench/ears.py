"""The recogniser as the bot has it."""

from __future__ import annotations

from bot.models import WHISPER_BASE, vosk_folder
from bot.parts import open_whisper
from tests.bench.spoken import ROOT
from voice.listening import vosk_, vosk_files, whisper
from voice.listening.protocols import Recogniser

MODELS = ROOT / "models"


def ears(threads: int = 1, *, alone: bool = False) -> Recogniser:
    """All models, or Whisper base `alone`. Raises ModelError where `make setup` did not run."""
    if alone:
        return whisper.load(MODELS / WHISPER_BASE, threads=threads)
    return open_whisper(MODELS, threads)


def vosk() -> vosk_.Vosk:
    """The Mandarin model alone. Raises ModelError where `make setup` did not run."""
    return vosk_.load(vosk_folder(MODELS, vosk_files.NAME))
