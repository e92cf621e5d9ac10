"""`huifang doctor`: looks at every part the bot needs and says what to do about each."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bot import membership, models, parts
from bot.errors import ConfigError, HuifangError
from bot.questionnaires import questionnaire, translation
from bot.settings import Settings
from bot.store import Store
from bot.vault import master
from voice.errors import VoiceError
from voice.speaking import sherpa_files

LEAST_FREE_GB = 2.0


@dataclass(frozen=True)
class Finding:
    """One part: is it well, and if not, what to do."""

    part: str
    ok: bool
    detail: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.ok else 'FAIL'}  {self.part:<14} {self.detail}"

    def to_json(self) -> dict[str, object]:
        return asdict(self)


async def examine(settings: Settings) -> list[Finding]:
    """Really opens each part: loads the models, speaks, asks the dialogue. Takes some seconds."""
    return [finding async for finding in _examine(settings)]


async def _examine(settings: Settings) -> AsyncIterator[Finding]:
    yield _check("data folder", lambda: _data_folder(settings.data))
    yield _check("disk", lambda: _disk(settings.data))
    yield _check("store", lambda: _store(settings))
    yield _check("master key", lambda: _master_key(settings))
    yield _check("second place", lambda: _second_place(settings.second_place))
    yield _check("questionnaire", lambda: questionnaire.load(settings.questionnaire).version)
    yield _check("translations", lambda: _translations(settings.translations))
    for row in models.status(settings.models):
        yield Finding(f"model {row.name}", row.present, row.detail or str(row.state))
    yield await asyncio.to_thread(
        _check, "recogniser", lambda: parts.open_recogniser(settings).name
    )
    if settings.voice == "sherpa":
        yield await asyncio.to_thread(_check, "sherpa model", lambda: _sherpa_model(settings))
    yield await _voice(settings)
    yield await _dialogue(settings)
    yield _check("espeak-ng", _espeak)
    yield _check("manager", lambda: _manager(settings))
    for name in ("audiosocket_port", "telephony_port", "web_port"):
        port: int = getattr(settings, name)
        yield _check(name.replace("_", " "), lambda port=port: _port(settings, port))  # type: ignore[misc]


def _check(part: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(part, True, look())
    except (HuifangError, VoiceError, OSError) as error:
        return Finding(part, False, str(error))


def _translations(setting: str) -> str:
    used = {one.version for one in translation.signed_off(setting).values()}
    loaded = (translation.load(version) for version in translation.known())
    return "; ".join(
        f"{one.version}@{one.sha256[:12]} "
        + ("in use" if one.version in used else "not in use until signed off (docs/languages.md)")
        for one in loaded
    )


def _data_folder(folder: Path) -> str:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    probe = folder / ".doctor"
    probe.write_bytes(b"")
    probe.unlink()
    return f"{folder.absolute()} can be written"


def _disk(folder: Path) -> str:
    free = shutil.disk_usage(folder).free / 1e9
    if free < LEAST_FREE_GB:
        raise OSError(f"only {free:.1f} GB free; an hour of calls needs 0.12 GB")
    return f"{free:.0f} GB free"


def _store(settings: Settings) -> str:
    with Store.open(settings.database_url, settings.key_folder):
        where = urlsplit(settings.database_url)  # the whole may hold a password
        return f"{where.hostname or ''}{where.path}"


def _master_key(settings: Settings) -> str:
    path = settings.key_folder / master.FILE
    if not path.is_file():  # the store makes it, where it can be opened
        raise OSError(f"{path} is missing")
    return f"{path}; keep a copy apart from the backups of the database"


def _second_place(folder: Path | None) -> str:
    """It is never made: a missing mount must be noticed."""
    if folder is None:
        return "none: a store that was put back will not be found (HUIFANG_SECOND_PLACE)"
    if not folder.is_dir():
        raise OSError(f"{folder} is not there; is it mounted?")
    probe = folder / ".doctor"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise OSError(f"{folder} cannot be written: {error.strerror}") from error
    return f"{folder} can be written"


def _sherpa_model(settings: Settings) -> str:
    return str(sherpa_files.find(parts.sherpa_model(settings), settings.sherpa_speaker))


def _espeak() -> str:
    found = shutil.which("espeak-ng")
    if found is None:
        raise OSError("missing; the fallback voice needs it: sudo apt-get install espeak-ng")
    return f"{found} (fallback voice only: half of its words are not understood on a phone line)"


def _manager(settings: Settings) -> str:
    """Whether there is a secret for it; `huifang line check` tries it."""
    if settings.manager_secret() is None:
        return "no secret: nothing is dialled, the dialplan alone hands over (docs/telephony.md)"
    return f"{settings.ami_host}:{settings.ami_port}; huifang line check tries it"


def _port(settings: Settings, port: int) -> str:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, port))
        except OSError as error:
            if _running(settings.data):
                return f"{settings.host}:{port} is taken; a bot runs with this data folder"
            raise OSError(f"{settings.host}:{port} is taken ({error.strerror})") from error
    return f"{settings.host}:{port} is free"


def _running(data: Path) -> bool:
    try:
        with membership.joined(data):
            return False
    except ConfigError:
        return True


async def _voice(settings: Settings) -> Finding:
    try:
        speaker = parts.open_voice(settings)
        await speaker.start()
        try:
            clip = await speaker.render("您好。")
            return Finding("voice", True, f"{speaker.name}, {len(clip.pcm) / 16000:.1f} s spoken")
        finally:
            await speaker.close()
    except (HuifangError, VoiceError, OSError) as error:
        return Finding("voice", False, str(error))


async def _dialogue(settings: Settings) -> Finding:
    try:
        dialogue = parts.open_dialogue(settings.model_copy(update={"dialogue_workers": 1}))
        await dialogue.start()
        try:
            meaning = await dialogue.parse("我清楚了", "yes")
            if meaning.answer != "yes":
                return Finding("dialogue", False, "a plain yes was not understood; run: make model")
            return Finding("dialogue", True, "a plain yes is understood")
        finally:
            await dialogue.close()
    except HuifangError as error:
        return Finding("dialogue", False, str(error))
