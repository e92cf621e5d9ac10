"""The tables, for queries. `migrations/` creates them; a test holds the two together.

Times are text in one spelling (UTC, ISO 8601, microseconds, Z), so that they sort, hash and export
alike on every database. What is personal stands sealed in columns of bytes (`vault.datakey`), or,
to be looked up by, as a keyed hash (`keys.Keys.keyed`).
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
    false,
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
    Column("number", Text, nullable=False),  # keyed hash; empty: erased
    Column("phone", Text, nullable=False),  # keyed hash, to tell who calls; empty: erased
    Column("imported", Text, nullable=False),
    Column("current", Boolean, nullable=False),  # older versions stay: callbacks refer to them
    Column("key", Text, nullable=False, server_default=""),  # what its data key was made for
    Column("key_row", _Row),  # where that key stands; null: erased
    Column("facts", LargeBinary, nullable=False, server_default=""),  # sealed canonical JSON
    Column("fingerprint", Text, nullable=False, server_default=""),  # keyed hash of facts
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
    Column("policy_number", Text, nullable=False),  # keyed hash; empty: erased
    Column("questionnaire", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner", Text, nullable=False),  # bot, queue or human:NAME
    Column("generation", Integer, nullable=False),  # moves with every change of owner
    Column("outcome", Text),
    Column("head_seq", Integer, nullable=False),  # number and hash of the last event; -1: none
    Column("head_hash", Text, nullable=False),
    Column("sealed_seq", Integer, nullable=False, server_default="-1"),  # of its newest leaf
    Column("bot", Text),  # which of several bots served it last
    Column("created", Text, nullable=False),
    Column("updated", Text, nullable=False),
    Column("contract", LargeBinary, nullable=False, server_default=""),  # sealed: of which policy
    Column("snapshot", LargeBinary),  # sealed: the dialogue's state, JSON
    Column("held", Boolean, nullable=False, server_default=false()),  # kept for a dispute
    Column("erased", Text),  # when; null: not
    Column("key_row", _Row),  # where its data key stands; null: erased
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
    Column("wall", Text, nullable=False),
    Column("mono_ms", BigInteger, nullable=False),
    Column("prev", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("hash", Text, nullable=False),
    # Salt and canonical JSON, byte for byte as hashed; sealed, but for kinds that outlive erasing.
    Column("body", LargeBinary, nullable=False, server_default=""),
)
"""Append-only: triggers refuse UPDATE and DELETE."""

data_keys = Table(
    "data_keys",
    metadata,
    Column("row", _Row, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False),  # of a callback, or `policies.key`
    Column("wrapped", LargeBinary, nullable=False),
)
"""The key of each record, wrapped by the master key. Erasing a record is deleting its row here.

Found by its row, in the order of creation: the keys of a page of neighbours are neighbours on the
disk, which those of random ids would not be."""

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

devices = Table(
    "devices",
    metadata,
    Column("device", Text, primary_key=True),  # keyed hash of what a browser is told by
    Column("callback", Text, ForeignKey("callbacks.id"), primary_key=True),
    Column("holder", Text, nullable=False),  # keyed hash of the policyholder's ID number
    Index("ix_devices_callback", "callback"),
)

bots = Table(
    "bots",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seen", Text, nullable=False),  # when it last said that it lives
)

stores = Table(
    "stores",
    metadata,
    Column("id", Text, primary_key=True),
    Column("master", Text, nullable=False, server_default=""),  # id of the master key
    Column("lookup", LargeBinary, nullable=False, server_default=""),  # of keyed hashes; wrapped
)
"""One row: the name by which checkpoints tell this store from any other, and its own keys."""

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
