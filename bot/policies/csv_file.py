"""Policies from a CSV file: good rows are kept, every fault is named."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from bot.policies.columns import COLUMNS, TITLES, Column
from bot.policies.policy import Policy

MAX_BYTES = 64 * 1024 * 1024
MAX_ROWS = 100_000
_SHOWN = 40  # characters of a bad value that a message repeats


@dataclass(frozen=True, slots=True)
class RowError:
    """One fault. `row` counts lines of the file, the header is 1; 0 means the whole file."""

    file: str
    row: int
    column: str  # name of the field, "" if the fault is the row's
    value: str  # masked where personal
    allowed: str

    def to_json(self) -> dict[str, str | int]:
        return asdict(self)

    def __str__(self) -> str:
        place = ":".join(part for part in (self.file, str(self.row or ""), self.column) if part)
        return f"{place}: {self.value!r} → {self.allowed}"


def mask(value: str) -> str:
    """First and last character and the length: enough to find the cell, not to know the value."""
    return "*" * len(value) if len(value) < 3 else f"{value[0]}{'*' * (len(value) - 2)}{value[-1]}"


def decode(data: bytes, file_name: str) -> tuple[str, list[RowError]]:
    """The text of an uploaded file: UTF-8 (with BOM or without) or GB18030, at most `MAX_BYTES`."""
    if len(data) > MAX_BYTES:
        limit = f"at most {MAX_BYTES} bytes; split the file"
        return "", [RowError(file_name, 0, "", f"{len(data)} bytes", limit)]
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding), []
        except UnicodeDecodeError:
            continue
    return "", [RowError(file_name, 0, "", "unreadable bytes", "text in UTF-8 or GB18030")]


def parse_csv(lines: Iterable[str], file_name: str) -> tuple[list[Policy], list[RowError]]:
    """Columns by field name or Chinese title, in any order; without a good header no row."""
    rows, errors = parse_rows(lines, file_name)
    return [policy for _, policy in rows], errors


def parse_rows(
    lines: Iterable[str], file_name: str
) -> tuple[list[tuple[int, Policy]], list[RowError]]:
    """As `parse_csv`, each policy with the row it came from."""
    records = _records(lines, file_name)
    first = next(records, None)
    if first is None:
        return [], [RowError(file_name, 1, "", "", "a header row")]
    if isinstance(first, RowError):
        return [], [first]
    names, errors = _header(first[1], file_name)
    if names is None:
        return [], errors
    rows: list[tuple[int, Policy]] = []
    seen: dict[str, int] = {}
    for record in records:
        if isinstance(record, RowError):
            errors.append(record)
            break
        number, cells = record
        found = _policy(number, cells, names, file_name)
        if isinstance(found, list):
            errors += found
        elif (earlier := seen.setdefault(found.number, number)) != number:
            once = f"each policy once; it is in row {earlier} already"
            errors.append(RowError(file_name, number, "number", mask(found.number), once))
        else:
            rows.append((number, found))
    return rows, errors


def _records(lines: Iterable[str], file_name: str) -> Iterator[tuple[int, list[str]] | RowError]:
    """Records with the line they start on; empty ones are skipped, the last may be an error."""
    reader = csv.reader(lines, strict=True)
    start, count = 1, 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            unread = "comma-separated values; nothing from this row on was read"
            yield RowError(file_name, start, "", str(error), unread)
            return
        if any(cell.strip() for cell in cells):
            count += 1
            if count > MAX_ROWS + 1:
                many = f"at most {MAX_ROWS} rows; split the file"
                yield RowError(file_name, start, "", "", many)
                return
            yield start, cells
        start = reader.line_num + 1


def _header(cells: list[str], file_name: str) -> tuple[list[str] | None, list[RowError]]:
    """Field names in the file's order. An unknown column is reported and skipped ("" here); a
    repeated or missing one makes the file unusable."""
    names = [TITLES.get(cell.strip(), cell.strip()) for cell in cells]
    unknown = [name for name in names if name not in COLUMNS]
    repeated = sorted({name for name in names if name in COLUMNS and names.count(name) > 1})
    missing = [c for c in COLUMNS.values() if c.required and c.name not in names]
    known = "a known column: " + ", ".join(COLUMNS)
    errors = [RowError(file_name, 1, "", name[:_SHOWN], known) for name in unknown]
    errors += [RowError(file_name, 1, name, name, "each column once") for name in repeated]
    errors += [RowError(file_name, 1, c.name, "", f"this column ({c.title})") for c in missing]
    if repeated or missing:
        return None, errors
    return [name if name in COLUMNS else "" for name in names], errors


def _policy(
    row: int, cells: list[str], names: list[str], file_name: str
) -> Policy | list[RowError]:
    if len(cells) != len(names):
        wanted = f"{len(names)} cells, as in the header"
        return [RowError(file_name, row, "", f"{len(cells)} cells", wanted)]
    values: dict[str, Any] = {}
    errors: list[RowError] = []
    for name, cell in zip(names, (cell.strip() for cell in cells), strict=True):
        if not name or not (cell or COLUMNS[name].required):
            continue
        try:
            values[name] = COLUMNS[name].kind.read(cell)
        except ValueError:
            errors.append(_bad(file_name, row, COLUMNS[name], cell))
    errors += _contradictions(file_name, row, values)
    return errors or Policy(**values)


def _bad(file_name: str, row: int, column: Column, cell: str, allowed: str = "") -> RowError:
    shown = mask(cell) if column.personal else cell
    return RowError(file_name, row, column.name, shown[:_SHOWN], allowed or column.kind.allowed)


def _contradictions(file_name: str, row: int, values: dict[str, Any]) -> list[RowError]:
    """Cells that are fine by themselves but not beside each other."""

    def wrong(name: str, allowed: str) -> RowError:
        return _bad(file_name, row, COLUMNS[name], str(values[name]), allowed)

    found = []
    for earlier, later in (
        ("birth_date", "applied_on"),
        ("applied_on", "received_on"),
        ("received_on", "cooling_off_from"),
        ("applied_on", "ended_on"),
    ):
        if earlier in values and later in values and values[later] < values[earlier]:
            found.append(wrong(later, f"not before {earlier}"))
    number, born = values.get("id_number", ""), values.get("birth_date")
    if isinstance(born, date) and len(number) == 18 and number[6:14] != f"{born:%Y%m%d}":
        found.append(wrong("birth_date", "the date in id_number"))
    return found
