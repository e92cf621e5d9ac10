"""The recogniser as the bot has it."""

from __future__ import annotations

from bot.models import WHISPER_BASE, WHISPER_SMALL, vosk_folder
from tests.bench.spoken import ROOT
from voice.listening import vosk_, vosk_files, whisper

MODELS = ROOT / "models"


def ears(threads: int = 1, *, second_look: bool = True) -> whisper.Whisper:
    """Both models, or Whisper base alone. Raises ModelError where `make setup` did not run."""
    small = MODELS / WHISPER_SMALL if second_look else None
    return whisper.load(MODELS / WHISPER_BASE, small=small, threads=threads)


def vosk() -> vosk_.Vosk:
    """The Mandarin model. Raises ModelError where `huifang models fetch --vosk` did not run."""
    return vosk_.load(vosk_folder(MODELS, vosk_files.NAME))
