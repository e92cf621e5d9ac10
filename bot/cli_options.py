"""What commands have in common: data folder, output for machines, settings. Part of `bot.cli`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bot.settings import Settings

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Data folder; nothing is written outside it.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def settings(data: Path | None = None, **given: Any) -> Settings:
    """`given`: what the command line says of other settings; None where it says nothing."""
    chosen = {k: v for k, v in {"data": data, **given}.items() if v is not None}
    return Settings(**chosen)
