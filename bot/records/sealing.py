"""Seals the store: a checkpoint after each call and once a day, copied to the second place."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bot.conversation.scribe import Clock, SystemClock
from bot.errors import HuifangError
from bot.evidence import signing
from bot.evidence.keyring import KeyRing
from bot.evidence.ledger import Draft, Event
from bot.evidence.second_place import SecondPlace
from bot.evidence.verify_tree import TreeReport, verify_tree
from bot.records import who
from bot.settings import Settings
from bot.store import Store
from voice.survived import survived

log = structlog.get_logger()

ENDINGS = frozenset({"closed", "audio", "handed_over"})
"""Kinds of events after which a record is worth sealing."""
SETTLE_S = 5.0  # the recording is filed a moment after the call is closed
DAY_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a checkpoint did."""

    added: int  # records sealed
    copied: int | None  # checkpoints copied to the second place; None: there is none
    checkpoint: signing.Checkpoint

    def __str__(self) -> str:
        where = "no second place is set" if self.copied is None else f"{self.copied} copied"
        point = self.checkpoint
        return f"{point.time}  {point.size} seals ({self.added} new)  root {point.root}  ({where})"


class Sealer:
    """Blocking: call it from a worker thread."""

    def __init__(self, store: Store, settings: Settings, clock: Clock | None = None) -> None:
        """Raises ConfigError when the signing key is not safe."""
        self._store, self._clock = store, clock or SystemClock()
        self._keys = settings.key_folder
        self.ring = KeyRing(self._keys)
        self._seals = store.seals
        self._elsewhere = SecondPlace(settings.second_place) if settings.second_place else None

    def checkpoint(self, also: Collection[str] = (), *, fresh: bool = False) -> Sealed:
        """Seal what grew (`also`: these records even in mid-call) and copy what the second place
        lacks. Raises ConfigError when that cannot be written; the store is sealed all the same."""
        self.ring = KeyRing(self._keys)  # the key may have been changed since
        added, statement = self._seals.seal(
            self.ring.checkpoint, self.ring.id, also=also, fresh=fresh
        )
        return Sealed(added, self._copy(), signing.Checkpoint.from_statement(statement))

    def exporting(self, callback: str) -> None:
        """Write that the record is about to be exported. Raises NotFound, Erased, UnderWay."""
        if self._store.callback(callback).head_seq < 0:
            return  # nothing has happened yet; the first event is its creation
        self._store.append(
            callback,
            [Draft("exported", {"by": who.user()})],
            wall=self._clock.now(),
            mono_ms=self._clock.mono_ms(),
            generation=None,
        )

    def verify(self, keys: Collection[Ed25519PublicKey] = ()) -> TreeReport:
        """`keys`: those to trust instead of the ones found in the data folder."""
        trusted = signing.trusted(keys, self.ring.rotations()) if keys else self.ring.trusted()
        kept = None if self._elsewhere is None else self._elsewhere.kept(self._seals.store_id())
        return verify_tree(self._seals, trusted, kept)

    def public_pem(self) -> str:
        """Every public key there ever was, the one in use first."""
        return "".join(signing.pem(key) for key in self.ring.public_keys())

    def _copy(self) -> int | None:
        if self._elsewhere is None:
            return None
        store = self._seals.store_id()
        missing = self._missing(self._elsewhere, store)
        if missing:
            self._elsewhere.add(store, missing, self.public_pem())
        return len(missing)

    def _missing(self, elsewhere: SecondPlace, store: str) -> list[dict[str, Any]]:
        """What came after the last one kept: the cost of a copy must not grow with the store."""
        last = elsewhere.last(store)
        if last is None:
            return self._seals.checkpoints()
        size = last.get("size")
        newest = self._seals.checkpoints(since=size if isinstance(size, int) else 0)
        signatures = [one["signature"] for one in newest]
        if last.get("signature") in signatures:
            return newest[signatures.index(last["signature"]) + 1 :]
        kept = {one.get("signature") for one in elsewhere.kept(store)}
        return [one for one in self._seals.checkpoints() if one["signature"] not in kept]


class SealingTask:
    """Seals in the background of a running house; a failure is logged and disturbs no call."""

    def __init__(self, sealer: Sealer, settle_s: float = SETTLE_S) -> None:
        self._sealer, self._settle_s = sealer, settle_s
        self._grown = asyncio.Event()
        self._idle = asyncio.Lock()

    def on_event(self, event: Event) -> None:
        if event.kind in ENDINGS:
            self._grown.set()

    async def run(self) -> None:
        """Until cancelled. What is being sealed then is finished in its thread: see `idle`."""
        fresh = True  # a start is a day's beginning as well
        while True:
            await asyncio.shield(asyncio.create_task(self._seal(fresh)))
            try:
                async with asyncio.timeout(DAY_S):
                    await self._grown.wait()
                await asyncio.sleep(self._settle_s)
                fresh = False
            except TimeoutError:
                fresh = True
            self._grown.clear()

    async def idle(self) -> None:
        """Wait until nothing is being sealed: the store must stay open so long."""
        async with self._idle:
            pass

    async def _seal(self, fresh: bool) -> None:
        async with self._idle:
            with survived("sealing.broken"):
                try:
                    sealed = await asyncio.to_thread(self._sealer.checkpoint, fresh=fresh)
                    log.info("store.sealed", size=sealed.checkpoint.size, added=sealed.added)
                except HuifangError as error:
                    log.error("store.not_sealed", error=str(error))
