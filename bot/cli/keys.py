"""Commands about keys. Part of `bot.cli.main`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.opened import opened
from bot.cli.options import DataOption, settings
from bot.errors import ConfigError
from bot.evidence.signing import pem

keys_app = typer.Typer(
    help="The keys that sign checkpoints and exports, and seal the records.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    app.add_typer(keys_app, name="keys")


@keys_app.command("show")
def keys_show(data: DataOption = None) -> None:
    """Print the id of the key in use, then the public key."""
    from bot.evidence.keyring import KeyRing

    ring = KeyRing(settings(data).key_folder)
    typer.echo(f"{ring.id}\n{pem(ring.public)}", nl=False)


@keys_app.command("export")
def keys_export(
    output: Annotated[Path, typer.Option("--output", "-o", help="New PEM file to write.")],
    data: DataOption = None,
) -> None:
    """Write the public key for an inspector, who needs nothing else to check an export."""
    from bot.evidence.keyring import KeyRing

    ring = KeyRing(settings(data).key_folder)
    try:
        with output.open("x", encoding="ascii") as file:
            file.write(pem(ring.public))
    except OSError as error:
        raise ConfigError(f"{output} cannot be written: {error.strerror}") from error
    typer.echo(ring.id)


@keys_app.command("rotate-master")
def keys_rotate_master(data: DataOption = None) -> None:
    """Make a new master key and wrap every record's key with it. Records are not written anew."""
    chosen = settings(data)
    with opened(chosen) as store:
        id = store.rotate_master()
    folder = chosen.key_folder
    typer.echo(
        f"{folder / 'master.key'} is key {id} now; save a copy apart from the database.\n"
        f"The key before is kept as {folder}/master.*.old, which only older backups need."
    )


@keys_app.command("rotate")
def keys_rotate(data: DataOption = None) -> None:
    """Make a new signing key. The old one signs who follows it; old public keys stay valid."""
    from bot.evidence.keyring import KeyRing
    from bot.evidence.ledger import wall_text

    ring = KeyRing(settings(data).key_folder)
    typer.echo(f"{ring.id} is followed by {ring.rotate(wall_text(datetime.now(UTC)))}")
