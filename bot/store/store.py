"""The store as the rest of the application sees it. Each method is one transaction.

Blocking: call it from a worker thread. Thread-safe. What a writing method did is on disk when it
returns. Every method may raise StoreUnavailable; nothing in its text is personal. Methods about one
callback raise Erased when it was erased.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection

from bot.errors import OwnershipLost
from bot.evidence.ledger import Draft, Event, wall_text
from bot.evidence.states import UNDER_WAY, State
from bot.policies.policy import Policy
from bot.store import bookings, callbacks, devices, erasing, events, links, policies
from bot.store.database import Database, open_database
from bot.store.keys import Keys, rotate
from bot.store.migrate import migrate
from bot.store.policies import Saved
from bot.store.records import (
    Booking,
    Callback,
    Chain,
    DamagedPolicy,
    Held,
    Listed,
    Record,
)
from bot.store.seals import Seals
from bot.store.sharing import Sharing
from bot.vault.datakey import DataKey
from bot.vault.master import Vault

LINK_VALID = timedelta(days=30)
MAX_PAGE = 1000


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Store:
    """Policies, callbacks, their evidence, bookings and chat links."""

    def __init__(
        self, database: Database, keys: Keys, clock: Callable[[], datetime] = _utc_now
    ) -> None:
        """`database` is up to date (see `open`); `clock` stamps rows that carry no event."""
        self._database, self._keys = database, keys
        self._clock = clock
        self.seals = Seals(database, clock)
        self.sharing = Sharing(database, keys, clock)

    @classmethod
    def open(
        cls,
        url: str,
        keys: Path,
        *,
        busy_s: float = 5.0,
        clock: Callable[[], datetime] = _utc_now,
    ) -> Self:
        """Create or migrate and open. `keys`: folder of the master key, which the first start
        makes; `busy_s`: patience with other writers, seconds.

        Raises ConfigError for a wrong URL, a store of a newer version, and a master key that is
        missing, another store's, or not safe; then nothing was written."""
        database = open_database(url, busy_s)
        vault = Vault(keys)
        try:
            migrate(database, vault)
            return cls(database, Keys.load(database, vault), clock)
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rotate_master(self) -> str:
        """Wrap every key with a new master key; returns its id. Nothing else is written anew.
        On SQLite other writers wait meanwhile."""
        return rotate(self._database, self._keys.vault)

    # -- policies

    def save_policies(self, given: Sequence[Policy]) -> Saved:
        """All or none. A changed policy becomes its current version; callbacks keep theirs."""
        with self._database.write() as connection:
            self._database.exclusively(connection, "policies")
            return policies.save(connection, self._keys, given, self._now())

    def policy(self, number: str) -> Policy:
        """The current version. Raises NotFound."""
        with self._database.read() as connection:
            return policies.current(connection, self._keys, number).policy

    def policy_of(self, callback: str) -> Policy:
        """The version the callback was created from: what its wording was made of."""
        with self._database.read() as connection:
            return policies.of_callback(connection, self._keys, callback)

    def policies(self, limit: int = 50) -> list[Policy]:
        """The first of `every_policy` that can be read."""
        found = (one for one in self.every_policy() if isinstance(one, Policy))
        return list(islice(found, limit))

    def every_policy(self) -> Generator[Policy | DamagedPolicy]:
        """The current versions, those that were imported first before all others. One that changes
        meanwhile may come twice; none is left out."""
        last = 0
        while True:
            with self._database.read() as connection:
                page = policies.page(connection, self._keys, MAX_PAGE, last)
            for one in page:
                yield one if isinstance(one, DamagedPolicy) else one.policy
            if len(page) < MAX_PAGE:
                return
            last = page[-1].row

    def policies_by_phone(self, phone: str, limit: int = 50) -> list[Policy]:
        """Current versions with exactly this number; several mean that it tells nobody apart."""
        with self._database.read() as connection:
            return policies.by_phone(connection, self._keys, phone, _bounded(limit))

    def policyholders(self, phone: str) -> int:
        """How many people, told apart by their ID numbers, have policies with this number."""
        with self._database.read() as connection:
            return policies.holders(connection, self._keys, phone, MAX_PAGE)

    # -- callbacks

    def create_callback(self, policy_number: str, questionnaire_version: str, channel: str) -> str:
        """A callback in state CREATED, owned by the bot in generation 1. `channel`: phone or chat.

        Raises NotFound for an unknown policy."""
        with self._database.write() as connection:
            return callbacks.create(
                connection,
                self._keys,
                policy_number,
                questionnaire_version,
                channel,
                self._now(),
            )

    def callback(self, id: str) -> Callback:
        """Raises NotFound."""
        with self._database.read() as connection:
            return callbacks.get(connection, self._keys, id)

    def callbacks(
        self,
        state: str | None = None,
        owner: str | None = None,
        limit: int = 50,
        policy: str | None = None,
    ) -> list[Callback]:
        """The newest first. `policy`: a policy number."""
        states = None if state is None else [state]
        with self._database.read() as connection:
            return callbacks.page(
                connection,
                self._keys,
                states=states,
                owner=owner,
                policy=policy,
                limit=_bounded(limit),
            )

    def listed(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        state: str | None = None,
        outcome: str | None = None,
        policy: str | None = None,
    ) -> list[Listed]:
        """All that were created from `since` on and before `until`, the newest first; `outcome`: of
        the last attempt; `policy`: its number. Nothing of them is unsealed: a damaged one hides no
        other. Raises ValueError for an unknown state."""
        with self._database.read() as connection:
            return callbacks.listed(
                connection,
                self._keys,
                since=since,
                until=until,
                state=state,
                outcome=outcome,
                policy=policy,
            )

    def unfinished(self) -> list[str]:
        """Ids of callbacks that were begun and not finished: what a restart must look at. Those in
        progress first, however many broken off ones came after them; then HUMAN and INCOMPLETE;
        each the newest first. Nothing of them is unsealed: a damaged one hides no other."""
        groups = ({State.IN_PROGRESS}, UNDER_WAY - {State.IN_PROGRESS})
        with self._database.read() as connection:
            return [id for states in groups for id in callbacks.ids(connection, states, MAX_PAGE)]

    def newest(self, limit: int = 50) -> list[str]:
        """Ids of the callbacks that were opened last, the newest first. Nothing of them is
        unsealed."""
        with self._database.read() as connection:
            return callbacks.ids(connection, set(State), _bounded(limit))

    def with_humans(self, owner: str) -> list[str]:
        """Ids of the callbacks that this owner, an agent or the queue, has in hand, those that were
        opened first before all others. Nothing of them is unsealed."""
        with self._database.read() as connection:
            return callbacks.ids(connection, {State.HUMAN}, MAX_PAGE, owner)

    # -- evidence

    def append(
        self,
        callback: str,
        drafts: Sequence[Draft],
        *,
        wall: datetime,
        mono_ms: int,
        generation: int | None,
        snapshot: dict[str, Any] | None = None,
        state: str | None = None,
        outcome: str | None = None,
        keep: bool | None = None,
    ) -> list[Event]:
        """Events and what they change, in one commit. `keep`: whether retention passes it over.

        `generation` must be the callback's, else OwnershipLost. It may be None only for facts
        that hold whoever owns the conversation (the recording of a call that was handed over, a
        failure) and change nothing else. Raises WrongState, NotFound, ValueError for a body
        outside the table of kinds, and UnderWay for what may not stand in mid-call.
        """
        ownerless = {d.kind for d in drafts} <= events.OWNERLESS
        changes = not (snapshot is None and state is None and outcome is None)
        if generation is None and (changes or not ownerless):
            raise OwnershipLost("these events need an owner")
        changed = {"snapshot": snapshot, "state": state, "outcome": outcome, "keep": keep}
        with self._database.write() as connection:
            held = callbacks.hold(connection, self._keys, callback, generation)
            return _add(connection, held, drafts, wall, mono_ms, **changed)[1]

    def transfer(
        self,
        callback: str,
        generation: int,
        owner: str,
        drafts: Sequence[Draft],
        wall: datetime,
        mono_ms: int,
        *,
        snapshot: dict[str, Any] | None = None,
        state: str | None = None,
        outcome: str | None = None,
    ) -> tuple[int, list[Event]]:
        """Give the conversation to `owner` and write the events of it, in one commit.

        Returns the new generation; the old one can write no more. Of two who try at once one gets
        OwnershipLost."""
        changed = {"snapshot": snapshot, "state": state, "outcome": outcome, "owner": owner}
        with self._database.write() as connection:
            held = callbacks.hold(connection, self._keys, callback, generation)
            return _add(connection, held, drafts, wall, mono_ms, **changed)

    def events(self, callback: str) -> list[Event]:
        """In order; empty for a callback without any, or unknown."""
        with self._database.read() as connection:
            return events.of(connection, self._keys, callback)

    def flagged(self, callback: str) -> bool:
        """Whether anything was noted for quality control. Unseals nothing."""
        with self._database.read() as connection:
            return events.flagged(connection, callback)

    def data_key(self, callback: str) -> DataKey:
        """For what lies beside the store: recordings. Raises NotFound, Erased."""
        with self._database.read() as connection:
            return callbacks.find(connection, self._keys, callback).key

    def record(self, callback: str) -> Record:
        """The callback, its policy and its events, as they were at one moment. Raises NotFound."""
        with self._database.read() as connection:
            found = callbacks.find(connection, self._keys, callback)
            return Record(
                found.row,
                policies.of_callback(connection, self._keys, callback),
                tuple(events.of(connection, self._keys, callback)),
                found.key,
            )

    def erase(
        self, callback: str, *, by: str, reason: str, wall: datetime, mono_ms: int
    ) -> list[Event]:
        """Destroy the record's key, and the facts of its policy when no other record needs them.

        The chain stays, with an event that tells of it. Beside the store: see
        `bot.records.erasing`; when all is erased, `scrub`. Raises ConfigError for a record that is
        held or under way."""
        draft = Draft("erased", {"by": by, "reason": reason})
        with self._database.write() as connection:
            held = erasing.hold(connection, self._keys, callback)
            added = events.append(connection, held, [draft], wall, mono_ms)
            erasing.erase(connection, self._keys, held, added[-1])
            return added

    def erase_policy(self, number: str) -> bool:
        """The same for a policy that no record needs; False when one does."""
        with self._database.write() as connection:
            return erasing.erase_policy(connection, self._keys, number)

    def scrub(self) -> None:
        """Erased keys leave the database's own files, as far as that is in its power."""
        self._database.scrub("data_keys")

    def chains(self) -> Generator[Chain]:
        """Every callback with its events, in order of creation: for `verify_store`. Streams."""
        with self._database.read() as connection:
            yield from events.chains(connection, self._keys)

    # -- bookings

    def book(
        self,
        callback: str,
        when: datetime,
        *,
        by: str = "bot",
        drafts: Sequence[Draft] = (),
        wall: datetime | None = None,
        mono_ms: int = 0,
        generation: int | None = None,
    ) -> list[Event]:
        """Book another call, together with its events if any; replaces an open booking.

        `by`: bot or human. `generation` as for `append` when there are events."""
        if drafts and generation is None:
            raise OwnershipLost("these events need an owner")
        wall = wall or self._clock()
        with self._database.write() as connection:
            held = callbacks.hold(connection, self._keys, callback, generation)
            _, added = _add(connection, held, drafts, wall, mono_ms)
            bookings.book(connection, callback, when, by, wall_text(wall))
            return added

    def bookings(
        self, before: datetime | None = None, limit: int = 50, by: str | None = None
    ) -> list[Booking]:
        """Open bookings up to `before`, the earliest first. `by`: whose, bot or human."""
        with self._database.read() as connection:
            return bookings.due(connection, before, _bounded(limit), by)

    def booked(self, callback: str) -> Booking | None:
        """The open booking of this callback."""
        with self._database.read() as connection:
            return bookings.of(connection, callback)

    def take_booking(
        self,
        booking: int,
        drafts: Sequence[Draft],
        *,
        wall: datetime,
        mono_ms: int,
        generation: int,
    ) -> list[Event]:
        """Begin what was booked: of all who try, one gets it, and its events with it. Raises
        NotFound when it is not open (any more), OwnershipLost when a human has the conversation."""
        with self._database.write() as connection:
            # The record first, as whoever books does: two writers must not wait for each other.
            callback = bookings.callback_of(connection, booking)
            held = callbacks.hold(connection, self._keys, callback, generation)
            bookings.finish(connection, booking)
            return _add(connection, held, drafts, wall, mono_ms)[1]

    def finish_booking(self, booking: int) -> None:
        """The call was placed. Raises NotFound when it is not open (any more)."""
        with self._database.write() as connection:
            bookings.finish(connection, booking)

    # -- chat links

    def token_for(self, callback: str, valid: timedelta = LINK_VALID) -> str:
        """A new secret for the link to this callback's chat; it cannot be read back."""
        with self._database.write() as connection:
            callbacks.get(connection, self._keys, callback)
            return links.create(connection, callback, self._clock(), valid)

    def callback_by_token(self, token: str) -> Callback | None:
        """None for an unknown or expired token."""
        with self._database.read() as connection:
            callback = links.find(connection, token, self._clock())
            return None if callback is None else callbacks.get(connection, self._keys, callback)

    def seen_on(self, callback: str, browser: str) -> list[str]:
        """This browser serves this callback's policyholder: goes on record. Returns a callback of
        each other policyholder that it has served. Raises NotFound."""
        with self._database.write() as connection:
            return devices.note(connection, self._keys, callback, browser)

    def _now(self) -> str:
        return wall_text(self._clock())


def _add(
    connection: Connection,
    held: Held,
    drafts: Sequence[Draft],
    wall: datetime,
    mono_ms: int,
    **changed: Any,
) -> tuple[int, list[Event]]:
    """Events and what they change. Returns the generation that holds now, and the events."""
    added = events.append(connection, held, drafts, wall, mono_ms)
    head = (added[-1].seq, added[-1].hash) if added else None
    following = callbacks.change(connection, held, now=wall_text(wall), head=head, **changed)
    return following, added


def _bounded(limit: int) -> int:
    return max(1, min(limit, MAX_PAGE))
