"""The files of a speech model: believed by their SHA-256 alone."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from voice.errors import ModelError


def sha256_of(path: Path) -> str:
    """Hex digest of a file; about 0.3 s for 100 MB."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(
    folder: Path, expected: Mapping[str, str], *, engine: str, remedy: str, what: str = "file"
) -> None:
    """Raises ModelError unless each file of `expected`, name to SHA-256, is in `folder` as it
    should be. `remedy`: the command that brings the model of `engine`."""
    for name, sha256 in expected.items():
        path = folder / name
        if not path.is_file():
            raise ModelError(f"no {engine} model: {path} is missing; run `{remedy}`")
        check(path, sha256, folder, remedy=remedy, what=what)


def check(path: Path, expected: str, folder: Path, *, remedy: str, what: str = "file") -> None:
    """Raises ModelError where a file of `folder` has another SHA-256 than is `expected`."""
    found = sha256_of(path)
    if found != expected:
        raise ModelError(
            f"{path} is not the {what} it should be (sha256 {found}, expected {expected}); "
            f"delete {folder} and run `{remedy}`"
        )


def kept(folder: Path, verify: Callable[[Path], None]) -> bool:
    """Whether the model that is there verifies; one that does not is removed, to be made anew."""
    try:
        verify(folder)
    except ModelError:
        shutil.rmtree(folder)
        return False
    return True
