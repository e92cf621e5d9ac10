"""Commands about how long records are kept: erase, retention. Part of `bot.cli.main`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.opened import opened
from bot.cli.options import DataOption, JsonOption, settings, show
from bot.errors import ConfigError
from bot.local import local

if TYPE_CHECKING:
    from pathlib import Path

    from bot.records.erasing import Eraser

MAX_REASON = 200
ReasonOption = Annotated[
    str, typer.Option("--reason", help="Goes into the record; nothing personal, please.")
]
retention_app = typer.Typer(
    help="How long records are kept: 10 years after the contract ended, 5 for terms up to a year.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    app.command()(erase)
    app.add_typer(retention_app, name="retention")


@contextmanager
def _eraser(data: Path | None) -> Iterator[Eraser]:
    from bot.callbacks import Callbacks
    from bot.records.erasing import Eraser

    chosen = settings(data)
    with opened(chosen) as store:
        yield Eraser(Callbacks(chosen, store))


def _reason(text: str) -> str:
    if not 1 <= len(text.strip()) <= MAX_REASON:
        raise ConfigError(f"give a reason of 1 to {MAX_REASON} characters")
    return text.strip()


def erase(
    callback: Annotated[str, typer.Argument(help="Callback id.")],
    reason: ReasonOption,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: DataOption = None,
) -> None:
    """Destroy what a record says, for good: its key, its recordings, and the facts of its policy
    when no other record needs them. Its chain stays and still verifies."""
    why = _reason(reason)
    with _eraser(data) as eraser:
        if not yes:
            typer.confirm(f"Erase {callback}? Nobody can bring it back", abort=True)
        eraser.erase(callback, why)
        eraser.finish()
    typer.echo(f"{callback} is erased; backups from before still hold it")


@retention_app.command("run")
def run(
    do: Annotated[bool, typer.Option("--do", help="Erase what is shown.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the records whose time is over; with --do erase them."""
    shown = held = 0
    with _eraser(data) as eraser:
        # Read to the end before anything is erased: the pages are counted from what is there.
        for policy, due in list(eraser.due(local(datetime.now(UTC)).date())):
            shown, held = shown + 1, held + due.held
            show(due, as_json)
            if do and not due.held:
                eraser.erase_due(policy, due)
        if do:
            eraser.finish()
    what = "erased" if do else "would be erased; --do erases them"
    typer.echo(f"{shown - held} contracts {what}; {held} held", err=as_json)


@retention_app.command("hold")
def hold(callback: str, reason: ReasonOption, data: DataOption = None) -> None:
    """Keep a record, and with it its contract's others, beyond its time: for a dispute."""
    with _eraser(data) as eraser:
        eraser.keep(callback, _reason(reason), held=True)
    typer.echo(f"{callback} is held")


@retention_app.command("release")
def release(callback: str, reason: ReasonOption, data: DataOption = None) -> None:
    """The dispute is over: the record is kept for its time."""
    with _eraser(data) as eraser:
        eraser.keep(callback, _reason(reason), held=False)
    typer.echo(f"{callback} is released")
