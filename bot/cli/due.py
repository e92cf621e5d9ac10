"""Commands about callbacks that did not end as hoped for: due, settle. Part of `bot.cli.main`."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.opened import opened
from bot.cli.options import DataOption, JsonOption, settings, show


def register(app: typer.Typer) -> None:
    app.command()(due)
    app.command()(settle)


def due(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Policies whose callback is still to be made, by the end of the cooling-off period, or to be
    settled, a problem case within 15 working days. Exit status 1 if one is overdue."""
    from bot.conversation.scribe import SystemClock
    from bot.humans.settling import list_due

    with opened(settings(data)) as store:
        found = list_due(store, SystemClock())
    for one in found:
        show(one, as_json)
    raise typer.Exit(1 if any(one.overdue for one in found) else 0)


def settle(
    callback: Annotated[str, typer.Argument(help="Callback id, as `huifang due` shows it.")],
    result: Annotated[str, typer.Option("--result", help="Who did what; goes into the record.")],
    data: DataOption = None,
) -> None:
    """Put on record what a human, nobody of the sales staff, did about a problem case, a wrong
    person, or somebody who could not be reached. It is no longer due then."""
    from bot.conversation.scribe import SystemClock
    from bot.humans.settling import settle as put_on_record

    with opened(settings(data)) as store:
        put_on_record(store, SystemClock(), callback, result)
    typer.echo(f"{callback} is settled")
