"""Calls the bot places: bookings that are due, one Originate each, and what came of it.

A call is written down before it is asked for, and its outcome when it is known. What lies between
the two after a crash is shown to an operator (`huifang dials`) and never dialled again by itself: a
policyholder called twice is bothered, one thought to be called is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import uuid4

import structlog

from bot.callbacks import RESUMABLE, Callbacks
from bot.errands import Errands
from bot.errors import HuifangError, StoreUnavailable
from bot.evidence.ledger import Draft, Event
from bot.evidence.states import State
from bot.local import local
from bot.phone.switchboard import Switchboard
from bot.policies.policy import Policy
from bot.store import Booking, Callback, NotFound
from voice.ami_client import AmiRefused, AmiUnavailable
from voice.pbx import LOST, Pbx, outcome
from voice.pbx_events import Answered, Gone, NotDialled, PbxEvent
from voice.survived import survived

log = structlog.get_logger()

POLL_S = 2.0  # how often bookings are looked at
AT_ONCE = 5  # dialled in one round
UNREADY = 20  # that wait for their words; those behind them are not looked at yet
DUE = 1000  # bookings read in one round
LOOK_AGAIN_S = 60.0  # at a booking that could not be served: its record is damaged, say
WORDS_S = 120.0
"""How long a call that is due waits for its words to be rendered. Then it is placed all the same:
what is missing is spoken first in the queue, behind a stock phrase."""


def undecided(events: Sequence[Event]) -> list[str]:
    """UUIDs of calls that were dialled and whose outcome nobody knows. Pure."""
    known = {e.body["call"] for e in events if e.kind == "dial_ended"}
    return [e.body["call"] for e in events if e.kind == "dialled" and e.body["call"] not in known]


def _since_talk(events: Sequence[Event]) -> Sequence[Event]:
    """What came after the last conversation began: whoever talked with us since a call was lost,
    and was promised another one, is to get that."""
    talked = max((n for n, e in enumerate(events) if e.kind == "called"), default=0)
    return events[talked:]


def may_dial(now: datetime, hours: tuple[int, int]) -> bool:
    """Whether policyholders are called at this local time (rule 28). Pure."""
    return hours[0] <= now.hour < hours[1]


class Words(Protocol):
    """What is needed of `bot.rehearsal.Rehearsal`."""

    def ready(self, policy: Policy) -> bool: ...

    def hurry(self, policy: Policy) -> None: ...


class Dialer:
    """One per process, for one exchange."""

    def __init__(
        self, callbacks: Callbacks, switchboard: Switchboard, pbx: Pbx, words: Words
    ) -> None:
        self._callbacks, self._store = callbacks, callbacks.store
        self._switchboard, self._pbx, self._words = switchboard, pbx, words
        self._unready: dict[int, int] = {}  # booking → since when it waits for its words, ms
        self._put_off: dict[int, int] = {}  # booking → when it is looked at again, ms
        self._dialling: dict[str, str] = {}  # UUID → callback, until its outcome is known
        self._errands = Errands()

    async def run(self) -> None:
        """For ever: dial what is due."""
        while True:
            with survived("dialer.broken"):
                try:
                    await self.round()
                except HuifangError as error:
                    log.error("dialer.failed", error=type(error).__name__)
            await asyncio.sleep(POLL_S)

    async def close(self) -> None:
        """Let outcomes that are being written get to disk."""
        await self._errands.close()

    async def round(self) -> int:
        """Dial what is due now, as far as there is room. Returns how many calls were asked for."""
        now = self._callbacks.clock.now()
        open_now = may_dial(local(now), self._callbacks.settings.call_hours)
        if not (self._pbx.up and open_now and self._switchboard.open):
            return 0
        silent = sum(not self._switchboard.on_line(call) for call in self._dialling)
        room = min(AT_ONCE, self._switchboard.room - silent)
        if room <= 0:
            return 0
        read = await asyncio.to_thread(self._store.bookings, now, DUE, by="bot")
        self._unready = {b.id: self._unready[b.id] for b in read if b.id in self._unready}
        now_ms, placed, waiting = self._callbacks.clock.mono_ms(), 0, 0
        self._put_off = {id: at_ms for id, at_ms in self._put_off.items() if at_ms > now_ms}
        for booking in read:
            if placed >= room or waiting >= UNREADY:
                break
            if booking.id in self._put_off:
                continue
            if await self._place(booking):
                placed += 1
            elif booking.id in self._unready:
                waiting += 1
        return placed

    async def _place(self, booking: Booking) -> bool:
        """Whether it was dialled. A record that cannot be read keeps nobody else waiting, and is
        not told of in every round."""
        try:
            return await self._may_speak(booking) and await self.dial(booking)
        except NotFound:  # somebody else was quicker
            return False
        except StoreUnavailable:
            raise
        except HuifangError as error:
            log.error("dialer.skipped", callback=booking.callback, error=type(error).__name__)
            again_ms = self._callbacks.clock.mono_ms() + int(LOOK_AGAIN_S * 1000)
            self._put_off[booking.id] = again_ms
            return False

    async def _may_speak(self, booking: Booking) -> bool:
        """Whether its words are rendered, or were waited for long enough."""
        policy = await asyncio.to_thread(self._store.policy_of, booking.callback)
        if await asyncio.to_thread(self._words.ready, policy):
            return True
        now_ms = self._callbacks.clock.mono_ms()  # the wall clock may be set while it waits
        since_ms = self._unready.setdefault(booking.id, now_ms)
        self._words.hurry(policy)
        return now_ms - since_ms >= WORDS_S * 1000

    async def dial(self, booking: Booking) -> bool:
        """Place one booked call. False when it may not be placed, or not now."""
        row = await asyncio.to_thread(self._store.callback, booking.callback)
        if row.state is State.IN_PROGRESS:  # in the chat, or calling us: the booking waits
            return False
        if await asyncio.to_thread(self._renewed, row, booking):
            return False
        number = await asyncio.to_thread(self._fit, row)
        if number is None:
            await asyncio.to_thread(self._store.finish_booking, booking.id)
            log.warning("dialer.not_dialled", callback=row.id, state=str(row.state))
            return False
        if not self._callbacks.ring(row.id):  # the chat began this moment
            return False
        call, clock = str(uuid4()), self._callbacks.clock
        try:
            events = await asyncio.to_thread(
                self._store.take_booking,
                booking.id,
                [Draft("dialled", {"call": call})],
                wall=clock.now(),
                mono_ms=clock.mono_ms(),
                generation=row.generation,
            )
        except BaseException:
            self._callbacks.rung(row.id)
            raise
        for event in events:
            self._callbacks.on_event(event)
        self._dialling[call] = row.id
        self._switchboard.expect(call, row.id, outbound=True)
        try:
            await self._pbx.dial(call, number)
        except (AmiRefused, ValueError) as error:
            log.warning("dialer.refused", callback=row.id, error=type(error).__name__)
            self._ended(call, "failed")
        except AmiUnavailable:
            self._ended(call, "unknown")
        return True

    def on_pbx(self, event: PbxEvent) -> None:
        """What became of our calls."""
        match event:
            case Answered(uuid):
                self._ended(uuid, "answered", 0)
            case Gone(uuid, cause):
                told = "unknown" if cause == LOST else outcome(cause)
                self._ended(uuid, self._switchboard.prompt(uuid) or told, cause)
            case NotDialled(uuid):
                self._ended(uuid, "not_registered")

    # -- inside

    def _renewed(self, row: Callback, booking: Booking) -> bool:
        """What an import has corrected is not asked as it was: the call is booked for a new
        callback, unless there was one."""
        known = self._callbacks
        if row.owner != "bot" or not known.outdated(row):
            return False
        if not (known.with_humans(row.policy_number) or known.done(row.policy_number)):
            following = known.open(row.policy_number, "phone")
            if not self._store.booked(following):  # a time that was named since is the newer wish
                self._store.book(following, booking.at)
        self._store.finish_booking(booking.id)
        return True

    def _fit(self, row: Callback) -> str | None:
        """The number to dial: that on the policy (rule 9), as it is now. None when the bot must not
        call: a human has the conversation, it or the contract is over, or the outcome of a call is
        unknown after which nobody has talked with the policyholder."""
        if row.state not in RESUMABLE or row.owner != "bot":
            return None
        if undecided(_since_talk(self._store.events(row.id))):
            return None
        policy = self._store.policy(row.policy_number)
        return policy.phone if policy.ended_on is None else None

    def _ended(self, call: str, result: str, cause: int = 0) -> None:
        callback = self._dialling.pop(call, None)
        if callback is None:
            return
        if result != "answered":
            self._switchboard.forget(call)
        log.info("dialer.ended", callback=callback, outcome=result, cause=cause)
        self._errands.begin(self._write(callback, call, result, cause), "dial outcome")

    async def _write(self, callback: str, call: str, result: str, cause: int) -> None:
        draft = Draft("dial_ended", {"call": call, "outcome": result, "cause": cause})
        try:
            # A conversation counts its own events, and none may come in between.
            while await asyncio.to_thread(self._talking, callback):
                self._told(call, callback, result)
                await asyncio.sleep(POLL_S)
            scribe = await asyncio.to_thread(self._callbacks.scribe, callback)
            await scribe.note(draft)
        except HuifangError as error:  # stays undecided, which is the safe side
            log.error("dialer.unwritten", callback=callback, error=type(error).__name__)
        finally:
            self._told(call, callback, result)

    def _talking(self, callback: str) -> bool:
        """Whether its policyholder has a conversation, here or in a chat at another bot."""
        known = self._callbacks
        return callback in known.served or self._store.sharing.served_elsewhere(callback, known.bot)

    def _told(self, call: str, callback: str, result: str) -> None:
        """The call's own conversation may begin, or any other."""
        self._callbacks.rung(callback)
        if result == "answered":
            self._switchboard.answered(call)
