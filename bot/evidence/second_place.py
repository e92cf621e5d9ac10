"""Signed checkpoints, kept where whoever can write the store cannot: one line each, only appended.

STORE.jsonl       every checkpoint of that store, oldest first
STORE.pem         the public keys that signed them, the one in use first
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.errors import ConfigError
from bot.evidence.ledger import canonical

MAX_LINE = 4096  # bytes; a checkpoint has 450


class SecondPlace:
    """One folder, given in the settings. It is never made: a missing mount must be noticed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def kept(self, store: str) -> list[dict[str, Any]]:
        """Oldest first. A line that is no JSON is given as an empty checkpoint, which no check
        accepts. Raises ConfigError when the folder is not there."""
        if not self.folder.is_dir():
            raise ConfigError(f"the second place {self.folder} is not there; is it mounted?")
        try:
            lines = (self.folder / f"{store}.jsonl").read_bytes().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigError(f"{self.folder} cannot be read: {error.strerror}") from error
        return [_statement(line) for line in lines]

    def last(self, store: str) -> dict[str, Any] | None:
        """The newest; None when there is none. As `kept`, but reads only the end of the file."""
        if not self.folder.is_dir():
            raise ConfigError(f"the second place {self.folder} is not there; is it mounted?")
        try:
            with (self.folder / f"{store}.jsonl").open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - MAX_LINE))
                whole = file.read().split(b"\n")[:-1]
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"{self.folder} cannot be read: {error.strerror}") from error
        return _statement(whole[-1]) if whole else None

    def add(self, store: str, missing: Sequence[Mapping[str, Any]], public: str) -> None:
        """Append checkpoints, on disk when it returns. Raises ConfigError."""
        try:
            lines = "".join(canonical(dict(statement)) + "\n" for statement in missing)
            _append(self.folder / f"{store}.jsonl", lines.encode())
            (self.folder / f"{store}.pem").write_text(public, "ascii")
        except OSError as error:
            raise ConfigError(
                f"the second place {self.folder} cannot be written: {error.strerror}"
            ) from error


def _statement(line: bytes) -> dict[str, Any]:
    try:
        statement = json.loads(line)
    except ValueError:
        return {}
    return statement if isinstance(statement, dict) else {}


def _append(path: Path, data: bytes) -> None:
    """A machine that died in mid-line left a part of one, which is written again in whole."""
    with path.open("a+b") as file:
        start = max(0, file.seek(0, os.SEEK_END) - MAX_LINE)
        file.seek(start)
        file.truncate(start + file.read().rfind(b"\n") + 1)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
