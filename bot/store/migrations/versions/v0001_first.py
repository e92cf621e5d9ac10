"""The first layout: policies, callbacks, events, bookings, links."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.store.migrations.append_only import make_append_only

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _policies()
    _callbacks()
    _events()
    op.create_table(
        "bookings",
        sa.Column("id", _ROW, autoincrement=True),
        _text("callback"),
        _text("at"),
        _text("by"),
        _text("state"),
        _text("created"),
        sa.PrimaryKeyConstraint("id", name="pk_bookings"),
        sa.ForeignKeyConstraint(["callback"], ["callbacks.id"], name="fk_bookings_callback"),
    )
    op.create_index("ix_bookings_state_at", "bookings", ["state", "at"])
    op.create_index("ix_bookings_callback", "bookings", ["callback"])
    op.create_table(
        "links",
        _text("token_sha256"),
        _text("callback"),
        _text("expires"),
        _text("created"),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_links"),
        sa.ForeignKeyConstraint(["callback"], ["callbacks.id"], name="fk_links_callback"),
    )
    op.create_index("ix_links_callback", "links", ["callback"])


def downgrade() -> None:
    raise NotImplementedError("evidence is not dropped; restore a backup instead")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _policies() -> None:
    op.create_table(
        "policies",
        sa.Column("id", _ROW, autoincrement=True),
        _text("number"),
        _text("phone"),
        _text("facts"),
        _text("sha256"),
        _text("imported"),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policies"),
    )
    op.create_index("ix_policies_number", "policies", ["number"])
    op.create_index("ix_policies_phone", "policies", ["phone"])
    op.create_index(
        "uq_policies_current",
        "policies",
        ["number"],
        unique=True,
        sqlite_where=sa.text("current"),
        postgresql_where=sa.text("current"),
    )


def _callbacks() -> None:
    op.create_table(
        "callbacks",
        sa.Column("row", _ROW, autoincrement=True),
        _text("id"),
        sa.Column("policy", _ROW, nullable=False),
        _text("policy_number"),
        _text("questionnaire"),
        _text("channel"),
        _text("state"),
        _text("owner"),
        sa.Column("generation", sa.Integer(), nullable=False),
        _text("outcome", nullable=True),
        _text("snapshot", nullable=True),
        sa.Column("head_seq", sa.Integer(), nullable=False),
        _text("head_hash"),
        _text("created"),
        _text("updated"),
        sa.PrimaryKeyConstraint("row", name="pk_callbacks"),
        sa.UniqueConstraint("id", name="uq_callbacks_id"),
        sa.ForeignKeyConstraint(["policy"], ["policies.id"], name="fk_callbacks_policy"),
        sa.CheckConstraint("generation > 0", name="ck_callbacks_generation"),
    )
    op.create_index("ix_callbacks_state_row", "callbacks", ["state", "row"])
    op.create_index("ix_callbacks_owner_row", "callbacks", ["owner", "row"])
    op.create_index("ix_callbacks_policy_number", "callbacks", ["policy_number"])


def _events() -> None:
    op.create_table(
        "events",
        _text("callback"),
        sa.Column("seq", sa.Integer(), autoincrement=False),
        _text("kind"),
        _text("body"),
        _text("wall"),
        sa.Column("mono_ms", sa.BigInteger(), nullable=False),
        _text("prev"),
        _text("salt"),
        _text("digest"),
        _text("hash"),
        sa.PrimaryKeyConstraint("callback", "seq", name="pk_events"),
        sa.ForeignKeyConstraint(["callback"], ["callbacks.id"], name="fk_events_callback"),
    )
    make_append_only("events")
