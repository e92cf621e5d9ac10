"""What commands have in common: settings, output for machines. Part of `bot.cli.main`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from bot.errors import ConfigError
from bot.settings import Settings

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Data folder; nothing is written outside it.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


class Row(Protocol):
    """What can be shown to people, as a string, and to machines."""

    def to_json(self) -> Mapping[str, object]: ...


def settings(data: Path | None = None, **given: Any) -> Settings:
    """`given`: what the command line says of other settings; None where it says nothing. Raises
    ConfigError, which repeats no value: it may be a password."""
    chosen = {k: v for k, v in {"data": data, **given}.items() if v is not None}
    try:
        return Settings(**chosen)
    except ValidationError as error:
        raise ConfigError("; ".join(_fault(one, chosen) for one in error.errors())) from None
    except SettingsError as error:
        raise ConfigError(f"the environment: {error}; a list is written [9, 21]") from None


def show(row: Row, as_json: bool) -> None:
    """On a line of its own."""
    typer.echo(json.dumps(row.to_json(), ensure_ascii=False) if as_json else str(row))


def _fault(fault: ErrorDetails, given: Mapping[str, Any]) -> str:
    name = str(fault["loc"][0])
    where = f"--{name.replace('_', '-')}" if name in given else f"HUIFANG_{name.upper()}"
    return f"{where}: {fault['msg'].removeprefix('Value error, ')}"
