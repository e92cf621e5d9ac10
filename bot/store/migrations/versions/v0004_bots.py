"""Several bots on one store: who lives, and who serves which callback."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bots",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bots"),
    )
    op.add_column("callbacks", sa.Column("bot", sa.Text()))


def downgrade() -> None:
    raise NotImplementedError("evidence is not dropped; restore a backup instead")
