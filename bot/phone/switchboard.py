"""Phone calls: which UUID belongs to which callback, and what the exchange does afterwards.

Implements `telephony.Exchange`. The default of every doubt is the human queue: an unknown UUID, a
full house, a conversation that broke, a process that is gone (nobody answers /telephony/next).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, Protocol

import structlog

from bot import off_loop
from bot.callbacks import Conversations
from bot.conversation.ending import Result
from bot.conversation.rescue import RETRY_S, hand_over, queued
from bot.conversation.scribe import Scribe
from bot.errors import HuifangError, OwnershipLost, StoreUnavailable
from bot.evidence.audio import AudioFile, StereoRecorder
from bot.evidence.ledger import Draft
from bot.evidence.recordings import sealed_path
from bot.evidence.states import State
from bot.phone import ringing
from bot.records.recovery import filed, recording_name
from voice.keys import KEYS
from voice.listening.pool import RecogniserPool
from voice.media import MediaConnection
from voice.pacing import Pacer
from voice.pbx_events import KeyDown, KeyUp, PbxEvent
from voice.phone import PhoneLine
from voice.speaking import Speaker

log = structlog.get_logger()

FILLER_TEXT = "请稍等。"
MAX_REMEMBERED = 10_000  # calls kept for the exchange's later questions
BACK_S = 2.5  # the exchange waits 3 s for an answer, and else keeps the caller in the queue
NEVER_CAME = Draft("failed", {"part": "line", "error": "the call did not come back"})
LATER = frozenset({"booked", "nobody_free"})  # a human calls; nobody waits for one now


class Transfers(Protocol):
    """What hands a caller over at once: `voice.pbx.Pbx`."""

    @property
    def up(self) -> bool: ...

    async def hand_over(self, uuid: str) -> bool: ...


@dataclass
class Call:
    """What the switchboard knows of one call, by its UUID."""

    callback: str
    outbound: bool = False
    answered: asyncio.Event | None = None  # of a call that we placed, which may ring with sound
    prompt: str = ""  # which machine spoke before anybody answered (bot.conversation.answering)
    due: bool = True  # announced, and its sound not here yet
    next: str = ""  # what the dialplan is told afterwards: transfer, hangup, "" (human queue)
    event: str | None = None  # with which the bot goes on when the exchange gives the call back
    state: dict[str, Any] = field(default_factory=dict)  # the dialogue's, for then
    line: PhoneLine | None = None


class Switchboard:
    """One per process."""

    def __init__(
        self,
        conversations: Conversations,
        pool: RecogniserPool,
        speaker: Speaker,
        pacer: Pacer,
        *,
        audio_folder: Path,
        max_calls: int,
        transfers: Transfers | None = None,
    ) -> None:
        self._conversations, self._callbacks = conversations, conversations.callbacks
        self._pool, self._speaker, self._pacer = pool, speaker, pacer
        self._audio_folder = audio_folder
        self._max_calls = max_calls
        self.transfers = transfers
        self._calls: OrderedDict[str, Call] = OrderedDict()  # by UUID, the oldest first
        self._settling: set[asyncio.Task[None]] = (
            set()
        )  # calls that the store was slow to take back
        self._live: set[str] = set()  # UUIDs of those with sound, until their recording is filed

    @property
    def calls(self) -> int:
        """Conversations on the phone at this moment."""
        return len(self._live)

    @property
    def room(self) -> int:
        """How many more calls may be taken."""
        return max(0, self._max_calls - len(self._live))

    def on_line(self, uuid: str) -> bool:
        """Whether this call has sound, be it that of the carrier before an answer: then `room` has
        counted it."""
        return uuid in self._live

    @property
    def open(self) -> bool:
        """Whether a new call may be taken: there is room, and recognition keeps up. Otherwise a
        human takes it, before the running calls get slow."""
        return self.room > 0 and not self._pool.saturated

    def expect(self, uuid: str, callback: str, *, outbound: bool = False) -> None:
        """The call with this UUID, which will come, serves this callback. `outbound`: we placed it,
        and somebody will tell when it is `answered`."""
        self._calls[uuid] = Call(callback, outbound, asyncio.Event() if outbound else None)
        while len(self._calls) > MAX_REMEMBERED:
            self._calls.popitem(last=False)

    def forget(self, uuid: str) -> None:
        """This call will not come."""
        call = self._calls.get(uuid)
        if call is not None and call.line is None:
            del self._calls[uuid]

    def callback_of(self, uuid: str) -> str | None:
        call = self._calls.get(uuid)
        return None if call is None else call.callback

    def answered(self, uuid: str) -> None:
        """Somebody picked up a call that we placed, and that is on record."""
        call = self._calls.get(uuid)
        if call is not None and call.answered is not None:
            call.answered.set()

    def prompt(self, uuid: str) -> str:
        """Which machine was heard before anybody answered; empty when none was."""
        call = self._calls.get(uuid)
        return "" if call is None else call.prompt

    def on_pbx(self, event: PbxEvent) -> None:
        """Keys as the manager reports them. One stops our speech while it is still down, before
        the media line tells of it; where that tells of none, this is the key."""
        call = self._calls.get(event.uuid)
        if call is None:
            return
        match event:
            case KeyDown(_, digit) if call.line and digit in KEYS:
                call.line.key_down()
            case KeyUp(_, digit) if call.line:
                call.line.key_up(digit)
            case _:
                pass

    # -- telephony.Exchange

    async def incoming(self, uuid: str, caller: str) -> str:
        """Ties a call to the policy with this number. Returns "known", or "" (→ human queue). Who
        waits for a human already is put through to one, who sees the case when it rings."""
        if (call := self._calls.get(uuid)) is not None:
            return "known" if call.due else ""
        row = await asyncio.to_thread(self._callbacks.for_phone, caller)
        if row is None:
            return ""
        if row.state is State.HUMAN:
            self.expect(uuid, row.id)
            self._calls[uuid].due = False
            return ""
        if row.id in self._callbacks.served or not self.open:
            return ""
        self.expect(uuid, row.id)
        return "known"

    async def next(self, uuid: str) -> str:
        """What the dialplan does after the bot: transfer, hangup, or "" (→ human queue)."""
        call = self._calls.get(uuid)
        if call is None:
            return ""
        if call.due and call.event:
            await self._never_came(call)
        return call.next

    async def back(self, uuid: str) -> str:
        """No human took the call in time: "known" when the bot takes it back, to apologise and book
        a human's call. Only once a call, and only while neither a human nor a chat has the
        conversation."""
        call = self._calls.get(uuid)
        if call is None or call.next != "transfer" or call.event or not self.room:
            return ""
        if call.callback in self._callbacks.served:
            return ""
        began = asyncio.get_running_loop().time()
        scribe, owner = await self._pen(call)
        if owner != "queue":
            return ""
        body = {"generation": scribe.generation + 1}
        try:
            await scribe.transfer("bot", [Draft("returned", body)], state="IN_PROGRESS")
        except StoreUnavailable:  # it may be written all the same, later
            settling = asyncio.create_task(self._stays(call), name="call stays with the humans")
            self._settling.add(settling)
            settling.add_done_callback(self._settling.discard)
            return ""
        call.due, call.event, call.next = True, "nobody_free", ""
        if asyncio.get_running_loop().time() - began > BACK_S:  # the disk took its time
            await self._never_came(call)
            return ""
        return "known"

    async def health(self) -> Mapping[str, Any]:
        return {"ok": True, "calls": self.calls, "listening_queue": self._pool.depth}

    # -- voice.audiosocket_server, voice.websocket_server

    def authorise(self, uuid: str) -> bool:
        """Known, not yet talking, and room for one more; otherwise the dialplan finds a human. One
        that no human took in time is no new call, however busy recognition is."""
        call = self._calls.get(uuid)
        if call is None or not call.due or not (self.room if call.event else self.open):
            return False
        return call.callback not in self._callbacks.served

    async def on_call(self, uuid: str, connection: MediaConnection) -> None:
        """One call from its first frame to its last."""
        call = self._calls[uuid]
        callback = call.callback
        call.due = False
        self._live.add(uuid)
        line = PhoneLine(connection, self._pool, self._speaker, self._pacer, filler=FILLER_TEXT)
        call.line = line
        recorder: StereoRecorder | None = None
        scribe: Scribe | None = None
        try:
            if not await self._picked_up(call, line):
                return
            if call.outbound:  # it may not have been told, while the manager is away
                self._callbacks.rung(callback)
            scribe, recorder = await self._opened(callback, uuid, connection.rate)
            line.record(recorder)
            start = partial(
                self._conversations.start,
                callback,
                line,
                scribe=scribe,
                state=call.state if call.event else None,
                resume=call.event or "resume",
                outbound=call.outbound,
            )
            conversation = await off_loop.in_time(start)
            await self._leave(uuid, call, await conversation.run())
        except HuifangError as error:
            log.error("call.refused", callback=callback, error=type(error).__name__)
        finally:
            await line.close()
            call.line = None
            if scribe is not None:
                if recorder is not None:
                    await self._file_recording(recorder, scribe)
                if call.next == "transfer":
                    await queued(self._callbacks.store, scribe, call.state)
                self._callbacks.leave(callback)
            self._live.discard(uuid)

    async def _opened(self, callback: str, uuid: str, rate: int) -> tuple[Scribe, StereoRecorder]:
        """The pen and the recording of a call. Raises HuifangError; a disk that hangs costs the
        caller some seconds of silence, then comes a human."""
        opening = asyncio.create_task(
            off_loop.alone(partial(self._open, callback, uuid, rate)), name="call opens"
        )
        await asyncio.wait((opening,), timeout=off_loop.ANSWER_S)
        if opening.done():
            return opening.result()
        opening.add_done_callback(partial(self._too_late, callback))
        raise StoreUnavailable("the call cannot be recorded: the disk does not answer")

    def _open(self, callback: str, uuid: str, rate: int) -> tuple[Scribe, StereoRecorder]:
        """The pen first: who is served on another line has no recording of this one. Blocks."""
        scribe = self._callbacks.serve(callback)
        try:
            key = self._callbacks.store.data_key(callback)
            return scribe, StereoRecorder(self._recording(callback, uuid), key, rate)
        except BaseException:
            self._callbacks.leave(callback)
            raise

    def _too_late(
        self, callback: str, opening: asyncio.Task[tuple[Scribe, StereoRecorder]]
    ) -> None:
        """The call is a human's already."""
        if not opening.cancelled() and opening.exception() is None:
            Thread(target=opening.result()[1].close, daemon=True).start()
            self._callbacks.leave(callback)

    async def _picked_up(self, call: Call, line: PhoneLine) -> bool:
        """Whether somebody is there to talk to. What a carrier plays before is not recorded."""
        if call.answered is None:
            return True
        transfers = self.transfers
        heard = await ringing.until_answered(
            line, call.answered, blind=lambda: transfers is None or not transfers.up
        )
        if heard == ringing.ANSWERED:
            line.forget()
            return True
        call.prompt, call.next = heard, "hangup"
        return False

    async def _never_came(self, call: Call) -> None:
        """The bot took a call back from the humans and got no sound: it waits for them as before,
        and stands in their list."""
        scribe, owner = await self._pen(call)
        if owner == "bot" and call.callback not in self._callbacks.served:
            await hand_over(scribe, [NEVER_CAME])
        call.due, call.next = False, "transfer"

    async def _stays(self, call: Call) -> None:
        """The store did not answer when a call was to be taken back, and may write that down at any
        time, for a caller who waits for a human still. What is written here goes before it or after
        it: before it, it moves the generation on, and the other comes to nothing."""
        while True:
            try:
                scribe, owner = await self._pen(call)
                if owner in {"bot", "queue"} and call.callback not in self._callbacks.served:
                    await hand_over(scribe, [NEVER_CAME])
                return
            except StoreUnavailable:
                await asyncio.sleep(RETRY_S)
            except OwnershipLost:
                continue  # it was written this moment

    async def _pen(self, call: Call) -> tuple[Scribe, str]:
        """To write in its record, and who has it now. Raises StoreUnavailable."""
        scribe = await off_loop.in_time(partial(self._callbacks.scribe, call.callback))
        return scribe, await scribe.renew()

    async def _leave(self, uuid: str, call: Call, result: Result) -> None:
        """Tell the exchange what comes after the bot, by both ways it may ask. What looks like a
        hang-up may be a line that broke: an exchange that asks has the caller still."""
        handed_over = result.ending == "handed_over" and result.reason not in LATER
        handed_over |= result.ending == "lost"  # a human took the conversation meanwhile
        call.state = result.state
        left = "" if result.ending == "hung_up" else "hangup"
        call.next = "transfer" if handed_over else left
        if handed_over and self.transfers is not None:
            await self.transfers.hand_over(uuid)

    def _recording(self, callback: str, uuid: str) -> Path:
        """A call that comes back from the queue has a second recording."""
        path = self._audio_folder / recording_name(callback, uuid)
        return path if not sealed_path(path).exists() else path.with_suffix(".2.wav")

    async def _file_recording(self, recorder: StereoRecorder, scribe: Scribe) -> None:
        try:
            audio: AudioFile = await off_loop.alone(recorder.close)
            await scribe.note(filed(audio))
        except (HuifangError, OSError) as error:
            log.error(
                "call.recording_unfiled", callback=scribe.callback, error=type(error).__name__
            )
