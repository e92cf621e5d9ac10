"""Exports many records for an inspection: one ZIP each, and a list of them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.errors import ConfigError, UnderWay
from bot.evidence.export import Notary, export
from bot.evidence.page import china
from bot.store import Erased, Listed, Store
from bot.vault.datakey import Unreadable

LIST = "list.csv"
NOT_NOW, GONE, DAMAGED = "（正在通话，未导出）", "（内容已销毁）", "（记录已损坏，未导出）"
COLUMNS = ("回访编号", "创建时间（北京时间）", "结果", "最近一次通话", "文件")


@dataclass(frozen=True, slots=True)
class Done:
    """How an export of many went."""

    records: int  # that were written
    damaged: tuple[str, ...]  # ids of those that cannot be read


def export_many(
    store: Store,
    audio_folder: Path,
    wanted: Sequence[Listed],
    folder: Path,
    notary: Notary,
    progress: Callable[[int], None] = lambda _: None,
) -> Done:
    """Write the records into the new folder `folder` (0700).

    Names nobody: the list has ids and outcomes only. One that is under way, was erased meanwhile
    or is damaged stands there without a file and stops no other. `progress` gets how many are
    done. Killed on the way, what is there is whole and the list is missing. Raises ConfigError."""
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise ConfigError(f"{folder} exists; choose a new folder") from None
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror}") from error
    rows, damaged, exported = [], [], 0
    for done, callback in enumerate(wanted, 1):
        name = f"{callback.id}.zip"
        try:
            export(store, audio_folder, callback.id, folder / name, notary)
            exported += 1
        except (UnderWay, Erased) as error:
            name = NOT_NOW if isinstance(error, UnderWay) else GONE
        except Unreadable:
            name = DAMAGED
            damaged.append(callback.id)
        created = china(callback.created.isoformat())
        rows.append((callback.id, created, callback.state, callback.outcome or "", name))
        progress(done)
    try:
        # The mark at the beginning lets spreadsheet programs read Chinese.
        with (folder / LIST).open("x", encoding="utf-8-sig", newline="") as file_:
            writer = csv.writer(file_)
            writer.writerows([COLUMNS, *rows])
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror}") from error
    return Done(exported, tuple(damaged))
