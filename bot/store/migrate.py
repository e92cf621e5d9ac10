"""Brings the layout of a store up to date, from code; safe when several processes do it at once."""

from __future__ import annotations

from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bot.errors import ConfigError, StoreUnavailable
from bot.store.database import Database
from bot.vault.master import Vault

log = structlog.get_logger()

_IN_CLEAR = ("0001", "0002")
_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(database: Database, vault: Vault) -> None:
    """`vault` seals what an older store has in clear. Raises ConfigError for a store that a newer
    version wrote, StoreUnavailable as always."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    with database.read() as connection:
        before = _revision(connection)
        if before == scripts.get_current_head():
            return
    with database.write() as connection:
        database.exclusively(connection, "migrate")
        # Read again: another process may have been quicker while we waited for the lock.
        revision = _revision(connection)
        if revision is not None and revision not in {s.revision for s in scripts.walk_revisions()}:
            raise ConfigError(
                f"the store has layout {revision}, which this version does not know; "
                "update Huifang or restore a backup"
            )
        config.attributes |= {"connection": connection, "vault": vault}
        command.upgrade(config, "head")
    if before in _IN_CLEAR:
        _scrub(database)


def _scrub(database: Database) -> None:
    """The store is sealed; that its old files could not be wiped is no reason to stay shut."""
    try:
        database.scrub()
    except StoreUnavailable as error:
        log.error(
            "store.not_scrubbed", error=str(error), hint="stop all users, then run VACUUM FULL"
        )


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
