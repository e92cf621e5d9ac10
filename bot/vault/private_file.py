"""Files with secrets: written whole or not at all, and refused when others could have read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bot.errors import ConfigError

MAX_BYTES = 10_000


def read(path: Path) -> bytes:
    """Raises ConfigError when anybody else could have read or put it there, OSError."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    with os.fdopen(file, "rb") as opened:
        rights = os.fstat(file)
        if stat.S_IMODE(rights.st_mode) & 0o077:
            raise ConfigError(
                f"{path} may be read by others (mode {stat.S_IMODE(rights.st_mode):o}); "
                f"run: chmod 600 {path}, and if somebody may have read it, make a new key "
                "(huifang keys --help)"
            )
        if rights.st_uid not in (os.geteuid(), 0):
            raise ConfigError(f"{path} belongs to another user; the bot must own its key")
        data = opened.read(MAX_BYTES)
    folder = stat.S_IMODE(path.parent.stat().st_mode)
    if folder & 0o022:
        raise ConfigError(f"others may write into {path.parent}; run: chmod 700 {path.parent}")
    return data


def write(path: Path, data: bytes, mode: int = 0o600) -> None:
    """The whole file or none of it, on disk. Raises OSError."""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """What was renamed or removed in it stays so. Raises OSError."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
