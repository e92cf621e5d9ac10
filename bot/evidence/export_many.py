"""Exports many records for an inspection: one ZIP each, and a list of them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.errors import ConfigError
from bot.evidence.export import Notary, export
from bot.evidence.page import china
from bot.store import Callback, Store

LIST = "list.csv"
COLUMNS = ("回访编号", "创建时间（北京时间）", "结果", "最近一次通话", "文件")


def export_many(
    store: Store,
    audio_folder: Path,
    wanted: Sequence[Callback],
    folder: Path,
    notary: Notary,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Write the records into the new folder `folder` (0700) and return how many.

    Names nobody: the list has ids and outcomes only. `progress` gets how many are done. Killed on
    the way, what is there is whole and the list is missing. Raises ConfigError."""
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise ConfigError(f"{folder} exists; choose a new folder") from None
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror}") from error
    rows = []
    for done, callback in enumerate(wanted, 1):
        file = export(store, audio_folder, callback.id, folder / f"{callback.id}.zip", notary)
        created = china(callback.created.isoformat())
        rows.append((callback.id, created, callback.state, callback.outcome or "", file.name))
        progress(done)
    try:
        # The mark at the beginning lets spreadsheet programs read Chinese.
        with (folder / LIST).open("x", encoding="utf-8-sig", newline="") as file_:
            writer = csv.writer(file_)
            writer.writerows([COLUMNS, *rows])
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror}") from error
    return len(rows)
