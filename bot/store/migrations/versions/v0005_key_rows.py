"""Data keys are found by a number in the order of creation, no longer by a random id."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """The keys themselves stay as they are wrapped: records and policies only learn their rows."""
    op.rename_table("data_keys", "data_keys_before")
    if op.get_bind().dialect.name == "postgresql":  # names its indexes across tables
        op.execute("ALTER INDEX pk_data_keys RENAME TO pk_data_keys_before")
    op.create_table(
        "data_keys",
        sa.Column("row", _ROW, autoincrement=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_data_keys"),
    )
    _move("policies", "key", "id")
    _move("callbacks", "id", "row")
    op.drop_table("data_keys_before")


def downgrade() -> None:
    raise NotImplementedError("evidence is not dropped; restore a backup instead")


def _move(table: str, name: str, order: str) -> None:
    """The keys of one table, in its order. What was erased has none, and gets none."""
    op.add_column(table, sa.Column("key_row", _ROW))
    owners = sa.table(table, sa.column(name), sa.column(order), sa.column("key_row"))
    before = sa.table("data_keys_before", sa.column("id"), sa.column("wrapped"))
    now = sa.table("data_keys", sa.column("row"), sa.column("id"), sa.column("wrapped"))
    kept = sa.select(before).join(owners, owners.c[name] == before.c.id).order_by(owners.c[order])
    op.execute(now.insert().from_select(["id", "wrapped"], kept))
    op.create_index("ix_data_keys_id", "data_keys", ["id"])
    found = sa.select(now.c.row).where(now.c.id == owners.c[name]).scalar_subquery()
    op.execute(owners.update().values(key_row=found))
    op.drop_index("ix_data_keys_id", "data_keys")
