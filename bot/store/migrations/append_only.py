"""Triggers that refuse to change or delete rows, in the words of each database."""

from __future__ import annotations

from alembic import op


def make_append_only(table: str) -> None:
    """`table` is one of ours, never a user's word."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        op.execute(
            f"CREATE FUNCTION {table}_are_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{table} are append-only'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"EXECUTE FUNCTION {table}_are_append_only()"
        )
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            + (
                f"FOR EACH ROW EXECUTE FUNCTION {table}_are_append_only()"
                if postgresql
                else f"BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"
            )
        )


def make_changeable(table: str) -> None:
    """For a migration that has to write rows anew; `make_append_only` follows in the same one."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    on = f" ON {table}" if postgresql else ""
    for verb in ("update", "delete"):
        op.execute(f"DROP TRIGGER {table}_no_{verb}{on}")
    if postgresql:
        op.execute(f"DROP TRIGGER {table}_no_truncate{on}")
        op.execute(f"DROP FUNCTION {table}_are_append_only()")
