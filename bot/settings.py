"""Settings: from the environment (`HUIFANG_…`) or the command line.

Secrets are read from files in the data folder or from the environment, never from arguments.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Every default is safe: loopback only, one machine, SQLite."""

    model_config = SettingsConfigDict(env_prefix="HUIFANG_", extra="ignore")

    data: Path = Path("data")
    models: Path = ROOT / "models"
    rasa_python: Path = ROOT / ".venv-rasa" / "bin" / "python"
    """The Python 3.10 that has Rasa."""

    company: str = Field("安心人寿保险股份有限公司", max_length=60)
    hotline: str = Field("95500", max_length=20)
    questionnaire: str = "zh-2026.1"

    host: str = "127.0.0.1"
    audiosocket_port: int = Field(9092, ge=0, le=65535)
    telephony_port: int = Field(9093, ge=0, le=65535)
    web_port: int = Field(8080, ge=0, le=65535)

    recogniser: Literal["whisper", "vosk"] = "whisper"
    vosk_model: Path | None = None
    voice: Literal["auto", "kokoro", "pyttsx3"] = "auto"
    """auto: Kokoro when its weights are there, else pyttsx3."""
    kokoro_voice: str = "zf_xiaobei"

    dialogue_workers: int = Field(2, ge=1, le=16)
    """At least two, so that one that dies costs the caller no start-up."""
    listen_threads: int = Field(2, ge=1, le=16)
    max_calls: int = Field(20, ge=1, le=500)

    elder_age: int = 60
    normal_rate: float = Field(1.0, ge=0.5, le=1.5)
    """1.0 is 204 characters a minute, 0.65 is 133 (rule 30: 160-220, the elderly 120-140)."""
    elder_rate: float = Field(0.65, ge=0.5, le=1.5)

    @property
    def database_url(self) -> str:
        return f"sqlite:///{(self.data / 'huifang.db').absolute()}"

    @property
    def audio_folder(self) -> Path:
        return self.data / "audio"

    @property
    def speech_cache(self) -> Path:
        return self.data / "cache" / "speech"
