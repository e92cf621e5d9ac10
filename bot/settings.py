"""Settings: from the environment (`HUIFANG_…`) or the command line.

Secrets are read from files in the data folder or from the environment, never from arguments.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Every default is safe: loopback only, one machine, SQLite."""

    model_config = SettingsConfigDict(env_prefix="HUIFANG_", extra="ignore")

    data: Path = Path("data")
    models: Path = ROOT / "models"
    rasa_python: Path = ROOT / ".venv-rasa" / "bin" / "python"
    """The Python 3.10 that has Rasa."""

    database: str | None = Field(None, repr=False)
    """postgresql+psycopg://user@host/database; None: an SQLite file in the data folder. A password
    belongs in the environment or in ~/.pgpass."""
    keys: Path | None = None
    """Folder of the master key and the signing key; None: `keys` in the data folder."""
    second_place: Path | None = None
    """Folder on another machine or disk that keeps a copy of every signed checkpoint."""

    company: str = Field("安心人寿保险股份有限公司", max_length=60)
    hotline: str = Field("95500", max_length=20)
    questionnaire: str = "zh-2026.1"
    translations: str = Field("", max_length=200)
    """Translations for the chat page that a native speaker has signed off, each with the hash that
    was signed: ko-2026.1@0123456789ab, … (`huifang doctor` shows them). Without one, whoever
    prefers that language gets a human at once."""

    host: str = "127.0.0.1"
    audiosocket_port: int = Field(9092, ge=0, le=65535)
    telephony_port: int = Field(9093, ge=0, le=65535)
    web_port: int = Field(8080, ge=0, le=65535)
    public_url: str = Field("", max_length=500)
    """What browsers call the pages behind the insurer's HTTPS proxy (which passes on Host):
    https://huifang.example.com; several by commas, the first stands in chat links. Without one
    only browsers on this machine are let in."""
    wideband_port: int | None = Field(None, ge=0, le=65535)
    """Where chan_websocket brings 16 kHz calls (9094 in voice/asterisk); none unless set."""

    recogniser: Literal["whisper", "vosk"] = "whisper"
    vosk_model: Path | None = None
    """For recogniser vosk: the folder of its model, else that of `models fetch --vosk`."""
    voice: Literal["auto", "kokoro", "pyttsx3", "sherpa"] = "auto"
    """auto: Kokoro when its weights are there, else pyttsx3."""
    kokoro_voice: str = "zf_xiaobei"
    sherpa_model: Path | None = None
    """For voice sherpa: the folder of a model for sherpa-onnx, or its file where there are several
    (docs/voices.md)."""
    sherpa_speaker: int = Field(0, ge=0, le=9999)
    sherpa_threads: int = Field(2, ge=1, le=16)
    recordings: Path | None = None
    """Folder of sentences that a person recorded (docs/recordings.md); the rest is synthesised."""

    dialogue_workers: int = Field(2, ge=1, le=16)
    """At least two, so that one that dies costs the caller no start-up."""
    listen_threads: int = Field(2, ge=1, le=16)
    max_calls: int = Field(20, ge=1, le=500)

    elder_age: int = 60
    normal_rate: float = Field(1.0, ge=0.5, le=1.5)
    """1.0 is 204 characters a minute, 0.65 is 133 (rule 30: 160-220, the elderly 120-140)."""
    elder_rate: float = Field(0.65, ge=0.5, le=1.5)

    retention_years: int = Field(10, ge=10, le=100)
    """How long after the contract ended records are kept, for terms above a year (保险法 §87)."""
    retention_years_short: int = Field(5, ge=5, le=100)
    """The same where it is a year or shorter."""

    call_hours: tuple[int, int] = (9, 21)
    """Policyholders are dialled from the first hour until the second, by China's time (rule
    28)."""

    device_policyholders: int = Field(2, ge=2, le=1000)
    """From so many policyholders on in one browser a chat is flagged: somebody else may have
    answered for them (rule 10). More where a branch lends out tablets."""

    phone_policyholders: int = Field(3, ge=2, le=1000)
    """From so many policyholders on with one telephone number the same is flagged (rule 10). A
    couple often has one; a seller who wrote down his own has more."""

    ami_host: str = "127.0.0.1"
    ami_port: int = Field(5038, ge=1, le=65535)
    ami_user: str = Field("huifang", max_length=80)
    ami_secret: SecretStr | None = None
    """Also read from DATA/ami.secret. Without one there is no connection to the manager: calls
    come in, nothing is dialled, and the dialplan alone hands over."""
    dial_channel: str = Field("PJSIP/{number}@trunk", max_length=200)
    """What is dialled: technology, number with any prefix, trunk; as in Dial(). Through
    Local/{number}@huifang-dial/n prompts of the carrier are heard before anybody answers."""
    dial_context: str = Field("huifang-out,s,1", max_length=100)
    human_context: str = Field("huifang-human,s,1", max_length=100)
    caller_id: str = Field("", max_length=80)
    ring_s: int = Field(45, ge=5, le=120)
    record_humans: bool = False
    """Have the exchange go on recording once a human talks."""

    def manager_secret(self) -> str | None:
        """Raises ConfigError when the file may be read by others."""
        if self.ami_secret is not None:
            return self.ami_secret.get_secret_value()
        file = self.data / "ami.secret"
        if not file.exists():
            return None
        if file.stat().st_mode & 0o077:
            raise ConfigError(f"{file} may be read by others; run: chmod 600 {file}")
        try:
            return file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file} cannot be read as text in UTF-8") from error

    @field_validator("call_hours")
    @classmethod
    def _in_order(cls, hours: tuple[int, int]) -> tuple[int, int]:
        if not 0 <= hours[0] < hours[1] <= 24:
            raise ValueError("two hours of a day, the earlier one first: nobody would be dialled")
        return hours

    @field_validator("dial_channel")
    @classmethod
    def _dials_a_number(cls, channel: str) -> str:
        if channel.count("{number}") != 1 or set("{}") & set(channel.replace("{number}", "")):
            raise ValueError("{number} once and no other braces, as in PJSIP/{number}@trunk")
        return channel

    @field_validator("dial_context", "human_context")
    @classmethod
    def _a_place(cls, place: str) -> str:
        if not re.fullmatch(r"[^,\s]+,[^,\s]+,[^,\s]+", place):
            raise ValueError("context, extension and priority, as in huifang-out,s,1")
        return place

    @field_validator("public_url")
    @classmethod
    def _bare(cls, urls: str) -> str:
        named = [url.strip().rstrip("/").lower() for url in urls.split(",") if url.strip()]
        for url in named:
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or url != f"{parts.scheme}://{parts.netloc}":
                raise ValueError("scheme and name as in https://huifang.example.com, without path")
        usual = {"http": ":80", "https": ":443"}  # browsers leave it out
        return ",".join(url.removesuffix(usual[url.partition(":")[0]]) for url in named)

    @property
    def origins(self) -> frozenset[str] | None:
        """The addresses that browsers use; None: loopback."""
        return frozenset(self.public_url.split(",")) if self.public_url else None

    @property
    def https(self) -> bool:
        """Whether browsers reach the pages by HTTPS alone."""
        return bool(self.origins) and all(url.startswith("https:") for url in self.origins or ())

    @property
    def pages_url(self) -> str:
        """Where the pages are, for links."""
        return self.public_url.split(",")[0] or f"http://{self.host}:{self.web_port}"

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{(self.data / 'huifang.db').absolute()}"

    @property
    def key_folder(self) -> Path:
        return self.keys or self.data / "keys"

    @property
    def audio_folder(self) -> Path:
        return self.data / "audio"

    @property
    def speech_cache(self) -> Path:
        return self.data / "cache" / "speech"
