"""The Merkle tree over sealed records, and its signed checkpoints."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

from bot.store.migrations.append_only import make_append_only

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _sealed()
    stores = op.create_table(
        "stores", sa.Column("id", sa.Text()), sa.PrimaryKeyConstraint("id", name="pk_stores")
    )
    op.bulk_insert(stores, [{"id": str(uuid.uuid4())}])
    op.create_table(
        "leaves",
        sa.Column("idx", _ROW, autoincrement=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("idx", name="pk_leaves"),
        sa.ForeignKeyConstraint(["callback"], ["callbacks.id"], name="fk_leaves_callback"),
    )
    op.create_index("ix_leaves_callback_seq", "leaves", ["callback", "seq"])
    op.create_table(
        "nodes",
        sa.Column("level", sa.Integer(), autoincrement=False),
        sa.Column("idx", _ROW, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "idx", name="pk_nodes"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("id", _ROW, autoincrement=True),
        sa.Column("size", _ROW, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_checkpoints"),
    )
    op.create_index("ix_checkpoints_size", "checkpoints", ["size"])
    for table in ("leaves", "nodes", "checkpoints"):
        make_append_only(table)


def downgrade() -> None:
    raise NotImplementedError("evidence is not dropped; restore a backup instead")


def _sealed() -> None:
    op.add_column(
        "callbacks", sa.Column("sealed_seq", sa.Integer(), nullable=False, server_default="-1")
    )
    unsealed = sa.text("head_seq > sealed_seq")
    op.create_index(
        "ix_callbacks_unsealed",
        "callbacks",
        ["row"],
        sqlite_where=unsealed,
        postgresql_where=unsealed,
    )
