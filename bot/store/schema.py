"""The tables, for queries. `migrations/` creates them; a test holds the two together.

Times are text in one spelling (UTC, ISO 8601, microseconds, Z), so that they sort, hash and export
alike on every database. What is personal stands in whole columns (facts, snapshot, body) that can
be encrypted at rest, or in keys (number, phone) that can become keyed hashes, in the same layout.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives only INTEGER keys by itself.
_Row = BigInteger().with_variant(Integer, "sqlite")

policies = Table(
    "policies",
    metadata,
    Column("id", _Row, primary_key=True, autoincrement=True),
    Column("number", Text, nullable=False),
    Column("phone", Text, nullable=False),  # to tell who calls
    Column("facts", Text, nullable=False),  # canonical JSON
    Column("sha256", Text, nullable=False),  # of facts
    Column("imported", Text, nullable=False),
    Column("current", Boolean, nullable=False),  # older versions stay: callbacks refer to them
    Index("ix_policies_number", "number"),
    Index("ix_policies_phone", "phone"),
    Index(
        "uq_policies_current",
        "number",
        unique=True,
        sqlite_where=text("current"),
        postgresql_where=text("current"),
    ),
)

callbacks = Table(
    "callbacks",
    metadata,
    Column("row", _Row, primary_key=True, autoincrement=True),  # order of creation
    Column("id", Text, nullable=False),
    Column("policy", _Row, ForeignKey("policies.id"), nullable=False),
    Column("policy_number", Text, nullable=False),
    Column("questionnaire", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner", Text, nullable=False),  # bot, queue or human:NAME
    Column("generation", Integer, nullable=False),  # moves with every change of owner
    Column("outcome", Text),
    Column("snapshot", Text),  # the dialogue's state, JSON
    Column("head_seq", Integer, nullable=False),  # number and hash of the last event; -1: none
    Column("head_hash", Text, nullable=False),
    Column("sealed_seq", Integer, nullable=False, server_default="-1"),  # of its newest leaf
    Column("bot", Text),  # which of several bots served it last
    Column("created", Text, nullable=False),
    Column("updated", Text, nullable=False),
    UniqueConstraint("id"),
    CheckConstraint("generation > 0", name="generation"),
    Index("ix_callbacks_state_row", "state", "row"),
    Index("ix_callbacks_owner_row", "owner", "row"),
    Index("ix_callbacks_policy_number", "policy_number"),
    Index(
        "ix_callbacks_unsealed",
        "row",
        sqlite_where=text("head_seq > sealed_seq"),
        postgresql_where=text("head_seq > sealed_seq"),
    ),
)

events = Table(
    "events",
    metadata,
    Column("callback", Text, ForeignKey("callbacks.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),  # canonical JSON, byte for byte as hashed
    Column("wall", Text, nullable=False),
    Column("mono_ms", BigInteger, nullable=False),
    Column("prev", Text, nullable=False),
    Column("salt", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
"""Append-only: triggers refuse UPDATE and DELETE."""

bookings = Table(
    "bookings",
    metadata,
    Column("id", _Row, primary_key=True, autoincrement=True),
    Column("callback", Text, ForeignKey("callbacks.id"), nullable=False),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),  # bot or human
    Column("state", Text, nullable=False),  # open, done, replaced
    Column("created", Text, nullable=False),
    Index("ix_bookings_state_at", "state", "at"),
    Index("ix_bookings_callback", "callback"),
)

links = Table(
    "links",
    metadata,
    Column("token_sha256", Text, primary_key=True),
    Column("callback", Text, ForeignKey("callbacks.id"), nullable=False),
    Column("expires", Text, nullable=False),
    Column("created", Text, nullable=False),
    Index("ix_links_callback", "callback"),
)

bots = Table(
    "bots",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seen", Text, nullable=False),  # when it last said that it lives
)

stores = Table("stores", metadata, Column("id", Text, primary_key=True))
"""One row: the name by which checkpoints tell this store from any other."""

leaves = Table(
    "leaves",
    metadata,
    Column("idx", _Row, primary_key=True, autoincrement=False),  # 0, 1, 2, … without gaps
    Column("callback", Text, ForeignKey("callbacks.id"), nullable=False),
    Column("seq", Integer, nullable=False),  # the record is sealed up to this event …
    Column("head", Text, nullable=False),  # … whose hash this is
    Index("ix_leaves_callback_seq", "callback", "seq"),
)
"""Append-only. A record that grows gets a new leaf; the old one stays true."""

nodes = Table(
    "nodes",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("idx", _Row, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)
"""Append-only: every perfect subtree of the leaves, so that a proof costs a few look-ups."""

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("id", _Row, primary_key=True, autoincrement=True),
    Column("size", _Row, nullable=False),
    Column("key", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("statement", Text, nullable=False),  # canonical JSON, as signed
    Index("ix_checkpoints_size", "size"),
)
"""Append-only."""
