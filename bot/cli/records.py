"""Commands about records: export, verify, checkpoint, migrate. Part of `bot.cli.main`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.opened import opened
from bot.cli.options import DataOption, JsonOption, settings, show
from bot.errors import ConfigError
from bot.evidence.signing import key_id
from bot.local import local
from bot.store import Listed, Store

if TYPE_CHECKING:
    from bot.records.sealing import Sealer

UNSIGNED = 3
"""Exit status of `verify` for an export that anybody may have made."""
KeyOption = Annotated[
    Path | None, typer.Option("--key", help="Public key to trust instead of the data folder's.")
]


def register(app: typer.Typer) -> None:
    for command in (export, verify, checkpoint, migrate):
        app.command()(command)


def export(
    callback: Annotated[str | None, typer.Argument(help="Callback id; without: a choice.")] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="New folder, or X.zip for one callback.")
    ] = Path("export"),
    data: DataOption = None,
    since: Annotated[datetime | None, typer.Option("--from", help="Created on this day …")] = None,
    until: Annotated[datetime | None, typer.Option("--to", help="… to this day included.")] = None,
    state: Annotated[str | None, typer.Option(help="E.g. COMPLETED_PROBLEM.")] = None,
    outcome: Annotated[str | None, typer.Option(help="Of the last call, e.g. hangup.")] = None,
    policy: Annotated[str | None, typer.Option(help="Policy number.")] = None,
) -> None:
    """Write one callback, or one ZIP for each that was chosen: JSON, audio, a page to read and
    listen to, and the proof of its checkpoint; signed."""
    from bot.evidence.export import export as write
    from bot.records.sealing import Sealer

    chosen = settings(data)
    if (callback is None) == all(x is None for x in (since, until, state, outcome, policy)):
        raise ConfigError("give the id of one callback, or --from, --to, --state, --outcome, …")
    with opened(chosen) as store:
        sealer = Sealer(store, chosen)
        if callback is not None:
            typer.echo(write(store, chosen.audio_folder, callback, output, sealer))
            return
        try:
            wanted = store.listed(
                since=since and local(since),  # days are those of China
                until=until and local(until + timedelta(days=1)),
                state=state,
                outcome=outcome,
                policy=policy,
            )
        except ValueError as error:
            raise ConfigError(str(error)) from error
        _write_many(store, chosen.audio_folder, wanted, output, sealer)


def _write_many(
    store: Store, audio: Path, wanted: Sequence[Listed], folder: Path, sealer: Sealer
) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from bot.evidence.export_many import export_many

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("export", total=len(wanted))
        done = export_many(
            store, audio, wanted, folder, sealer, lambda n: bar.update(task, completed=n)
        )
    typer.echo(f"{done.records} records in {folder}")
    if done.damaged:
        ids = ", ".join(done.damaged)
        typer.echo(f"damaged, not exported: {ids}; see huifang verify", err=True)
        raise typer.Exit(1)


def verify(
    export: Annotated[
        Path | None, typer.Argument(help="An exported folder or ZIP; without: the store.")
    ] = None,
    data: DataOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that records are unaltered and complete. Exit status 1 if not; 3 if nothing is wrong
    with an export but no key was there to check who signed it."""
    from bot.evidence.keyring import load_public
    from bot.evidence.verify import Report, verify_store
    from bot.evidence.verify_export import known_signer, verify_export
    from bot.evidence.verify_tree import TreeReport
    from bot.records.sealing import Sealer

    chosen = settings(data)
    given = load_public(key) if key else []
    reports: list[Report | TreeReport]
    if export is not None:
        keys = {key_id(key): key for key in given} or known_signer(export, chosen.key_folder)
        reports = [verify_export(export, keys)]
    else:
        with opened(chosen) as store:
            reports = list(verify_store(store, chosen.audio_folder))
            reports.append(Sealer(store, chosen).verify(given))
    for report in reports:
        show(report, as_json)
    if not all(report.ok for report in reports):
        raise typer.Exit(1)
    unsigned = any(isinstance(r, Report) and r.exported and r.signed is None for r in reports)
    raise typer.Exit(UNSIGNED if unsigned else 0)


def checkpoint(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Seal every record that grew, sign the state of the store, copy it to the second place."""
    from bot.records.sealing import Sealer

    chosen = settings(data)
    with opened(chosen) as store:
        sealed = Sealer(store, chosen).checkpoint(fresh=True)
    statement = dict(sealed.checkpoint.statement)
    typer.echo(json.dumps(statement) if as_json else str(sealed))


def migrate(
    source: Annotated[str, typer.Option("--from", help="Address of the store to copy.")],
    target: Annotated[str, typer.Option("--to", help="Address of an empty database.")],
    data: DataOption = None,
) -> None:
    """Copy a store into another database, e.g. sqlite:///data/huifang.db to
    postgresql+psycopg://user@host/huifang. Stop the bot first. Audio and keys stay in place: --data
    names their folder."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

    from bot.evidence.verify import verify_store
    from bot.store.copy import copy_store

    keys = settings(data).key_folder
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, TaskID] = {}

        def progress(table: str, done: int, total: int) -> None:
            task = tasks.get(table) or tasks.setdefault(table, bar.add_task(table, total=total))
            bar.update(task, completed=done)

        counts = copy_store(source, target, keys, progress)
    for table, rows in counts.items():
        typer.echo(f"{table:<12} {rows}")
    with closing(Store.open(target, keys)) as store:
        broken = [r for r in verify_store(store) if not r.integrity]
    typer.echo(f"chains       {counts['callbacks']} checked, {len(broken)} broken")
    for report in broken:
        typer.echo(str(report))
    raise typer.Exit(1 if broken else 0)
