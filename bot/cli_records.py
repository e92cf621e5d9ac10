"""Commands about records: export, verify, checkpoints, keys. Part of `bot.cli`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.settings import Settings
from bot.store import Store

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Data folder; nothing is written outside it.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
KeyOption = Annotated[
    Path | None, typer.Option("--key", help="Public key to trust instead of the data folder's.")
]
keys_app = typer.Typer(help="The key that signs checkpoints and exports.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    for command in (export, verify, checkpoint):
        app.command()(command)
    app.add_typer(keys_app, name="keys")


def settings(data: Path | None) -> Settings:
    given: dict[str, Any] = {} if data is None else {"data": data}
    return Settings(**given)


@contextmanager
def opened(chosen: Settings) -> Iterator[Store]:
    store = Store.open(chosen.database_url)
    try:
        yield store
    finally:
        store.close()


def export(
    callback: Annotated[str, typer.Argument(help="Callback id.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="New folder to write.")],
    data: DataOption = None,
) -> None:
    """Write one callback as a folder: JSON, audio and a page a person can read and listen to."""
    from bot.evidence.export import export as write

    chosen = settings(data)
    with opened(chosen) as store:
        typer.echo(write(store, chosen.audio_folder, callback, output))


def verify(
    folder: Annotated[
        Path | None, typer.Argument(help="An exported folder; without: the store.")
    ] = None,
    data: DataOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that records are unaltered and complete. Exit status 1 if not."""
    from bot.evidence import verify as check
    from bot.evidence.keyring import load_public
    from bot.evidence.verify_tree import TreeReport
    from bot.sealing import Sealer

    reports: list[check.Report | TreeReport]

    if folder is not None:
        reports = [check.verify_folder(folder)]
    else:
        chosen = settings(data)
        with opened(chosen) as store:
            reports = list(check.verify_store(store, chosen.audio_folder))
            reports.append(Sealer(store, chosen).verify(load_public(key) if key else ()))
    for report in reports:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False) if as_json else str(report))
    raise typer.Exit(0 if all(report.ok for report in reports) else 1)


def checkpoint(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Seal every record that grew, sign the state of the store, copy it to the second place."""
    from bot.sealing import Sealer

    chosen = settings(data)
    with opened(chosen) as store:
        sealed = Sealer(store, chosen).checkpoint(fresh=True)
    statement = dict(sealed.checkpoint.statement)
    typer.echo(json.dumps(statement) if as_json else str(sealed))


@keys_app.command("show")
def keys_show(data: DataOption = None) -> None:
    """Print the id of the key in use, then the public key."""
    from bot.evidence.keyring import KeyRing
    from bot.evidence.signing import pem

    ring = KeyRing(settings(data).key_folder)
    typer.echo(f"{ring.id}\n{pem(ring.public)}", nl=False)


@keys_app.command("export")
def keys_export(
    output: Annotated[Path, typer.Option("--output", "-o", help="New PEM file to write.")],
    data: DataOption = None,
) -> None:
    """Write the public key for an inspector, who needs nothing else to check an export."""
    from bot.errors import ConfigError
    from bot.evidence.keyring import KeyRing
    from bot.evidence.signing import pem

    ring = KeyRing(settings(data).key_folder)
    try:
        with output.open("x", encoding="ascii") as file:
            file.write(pem(ring.public))
    except OSError as error:
        raise ConfigError(f"{output} cannot be written: {error.strerror}") from error
    typer.echo(ring.id)


@keys_app.command("rotate")
def keys_rotate(data: DataOption = None) -> None:
    """Make a new key. The old one signs who follows it; old public keys stay valid."""
    from datetime import UTC, datetime

    from bot.evidence.keyring import KeyRing
    from bot.evidence.ledger import wall_text

    ring = KeyRing(settings(data).key_folder)
    typer.echo(f"{ring.id} is followed by {ring.rotate(wall_text(datetime.now(UTC)))}")
