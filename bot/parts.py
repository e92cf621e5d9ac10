"""Opens the heavy parts as the settings say, with errors that tell what to do."""

from __future__ import annotations

from pathlib import Path

from bot.dialogue.client import Dialogue
from bot.errors import ConfigError
from bot.models import WHISPER_BASE, WHISPER_SMALL, vosk_folder
from bot.settings import ROOT, Settings
from bot.vault.datakey import DataKey
from bot.vault.master import Vault
from voice.listening.protocols import Recogniser
from voice.speaking import Speaker, open_sherpa, open_speaker

DIALOGUE_MODEL = "huifang.tar.gz"


def open_recogniser(settings: Settings) -> Recogniser:
    """Loads the model; takes about a second. Raises ModelError or ConfigError."""
    if settings.recogniser == "whisper":
        from voice.listening import whisper

        base, small = settings.models / WHISPER_BASE, settings.models / WHISPER_SMALL
        return whisper.load(base, small=small if small.is_dir() else None)
    from voice.listening import vosk_, vosk_files

    folder = settings.vosk_model or vosk_folder(settings.models, vosk_files.NAME)
    if settings.vosk_model is None and not folder.is_dir():
        raise ConfigError(
            "recogniser vosk needs a model: huifang models fetch --vosk brings a small Mandarin "
            "one; or huifang models add NAME FOLDER, then set HUIFANG_VOSK_MODEL to "
            "models/vosk/NAME"
        )
    if settings.vosk_model is None:
        vosk_files.verify(folder)
    return vosk_.load(folder)


def open_voice(settings: Settings, voice: str | None = None) -> Speaker:
    """The bot's voice, or one of Kokoro's for a simulated policyholder. Not started yet.

    Raises ConfigError, and ModelError where the recordings are not what their index says.
    """
    if settings.voice == "sherpa" and voice is None:
        return open_sherpa(
            model=sherpa_model(settings),
            cache=settings.speech_cache,
            speaker=settings.sherpa_speaker,
            threads=settings.sherpa_threads,
            cipher=speech_cipher(settings),
            recordings=settings.recordings,
        )
    return open_speaker(
        models=settings.models,
        cache=settings.speech_cache,
        engine="auto" if settings.voice == "sherpa" else settings.voice,
        voice=voice or settings.kokoro_voice,
        cipher=speech_cipher(settings),
        recordings=None if voice else settings.recordings,
    )


def sherpa_model(settings: Settings) -> Path:
    """Raises ConfigError."""
    if settings.sherpa_model is None:
        raise ConfigError(
            "voice sherpa needs a model: set HUIFANG_SHERPA_MODEL to its folder (docs/voices.md)"
        )
    return settings.sherpa_model


def speech_cipher(settings: Settings) -> DataKey:
    """Seals rendered sentences. Raises ConfigError."""
    return Vault(settings.key_folder).local("speech.key")


def open_dialogue(settings: Settings) -> Dialogue:
    """The pool of dialogue workers. Not started yet. Raises ConfigError."""
    model = settings.models / DIALOGUE_MODEL
    if not settings.rasa_python.exists():
        raise ConfigError(f"no Rasa environment at {settings.rasa_python}; run: make setup")
    if not model.exists():
        raise ConfigError(f"no dialogue model at {model}; run: make setup")
    return Dialogue(
        python=settings.rasa_python,
        model=model,
        root=ROOT,
        workers=settings.dialogue_workers,
        scratch=settings.data if settings.data.is_dir() else None,
    )
