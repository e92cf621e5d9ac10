"""Which browsers chatted about whose policies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "devices",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("device", "callback", name="pk_devices"),
        sa.ForeignKeyConstraint(["callback"], ["callbacks.id"], name="fk_devices_callback"),
    )
    op.create_index("ix_devices_callback", "devices", ["callback"])


def downgrade() -> None:
    raise NotImplementedError("evidence is not dropped; restore a backup instead")
