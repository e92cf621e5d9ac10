"""Phone calls: which UUID belongs to which callback, and what the exchange does afterwards.

Implements `telephony.Exchange`. The default of every doubt is the human queue: an unknown UUID, a
full house, a conversation that broke, a process that is gone (nobody answers /telephony/next).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from bot.callbacks import Conversations
from bot.errors import HuifangError
from bot.evidence.audio import AudioFile, StereoRecorder
from bot.recovery import filed, recording_name
from bot.scribe import Scribe
from voice.audiosocket_server import AudioSocketConnection
from voice.listening.pool import RecogniserPool
from voice.pacing import Pacer
from voice.phone import PhoneLine
from voice.speaking import Speaker

log = structlog.get_logger()

MAX_REMEMBERED = 10_000  # decisions kept for /telephony/next, and UUIDs announced but not yet here


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
    ) -> None:
        self._conversations, self._callbacks = conversations, conversations.callbacks
        self._pool, self._speaker, self._pacer = pool, speaker, pacer
        self._audio_folder = audio_folder
        self._max_calls = max_calls
        self._expected: OrderedDict[str, str] = OrderedDict()  # UUID -> callback id
        self._next: OrderedDict[str, str] = OrderedDict()  # UUID -> transfer | hangup
        self._live: set[str] = set()  # callback ids

    @property
    def calls(self) -> int:
        """Conversations on the phone at this moment."""
        return len(self._live)

    def expect(self, uuid: str, callback: str) -> None:
        """The call with this UUID, which will come, serves this callback."""
        self._expected[uuid] = callback
        while len(self._expected) > MAX_REMEMBERED:
            self._expected.popitem(last=False)

    # -- telephony.Exchange

    async def incoming(self, uuid: str, caller: str) -> str:
        """Ties a call to the policy with this number. Returns "known", or "" (→ human queue)."""
        if uuid in self._expected:
            return "known"
        callback = await asyncio.to_thread(self._callbacks.for_phone, caller)
        if callback is None or callback in self._live:
            return ""
        self.expect(uuid, callback)
        return "known"

    async def next(self, uuid: str) -> str:
        """What the dialplan does after the bot: transfer, hangup, or "" (→ human queue)."""
        return self._next.get(uuid, "")

    async def health(self) -> Mapping[str, Any]:
        return {"ok": True, "calls": self.calls, "listening_queue": self._pool.depth}

    # -- voice.audiosocket_server

    def authorise(self, uuid: str) -> bool:
        """Known, not yet talking, and room for one more; otherwise the dialplan finds a human."""
        callback = self._expected.get(uuid)
        return (
            callback is not None
            and callback not in self._live
            and len(self._live) < self._max_calls
        )

    async def on_call(self, uuid: str, connection: AudioSocketConnection) -> None:
        """One call from its first frame to its last."""
        callback = self._expected.pop(uuid)
        self._live.add(callback)
        recorder = StereoRecorder(self._audio_folder / recording_name(callback, uuid))
        line = PhoneLine(connection, self._pool, self._speaker, pacer=self._pacer, tap=recorder)
        try:
            scribe = await asyncio.to_thread(self._callbacks.scribe, callback)
            conversation = await asyncio.to_thread(
                self._conversations.start, callback, line, scribe=scribe
            )
            result = await conversation.run()
            self._decide(uuid, "transfer" if result.ending == "handed_over" else "hangup")
        except HuifangError as error:
            log.error("call.refused", callback=callback, error=type(error).__name__)
        finally:
            await line.close()
            self._live.discard(callback)
            await self._file_recording(callback, recorder)

    def _decide(self, uuid: str, action: str) -> None:
        self._next[uuid] = action
        while len(self._next) > MAX_REMEMBERED:
            self._next.popitem(last=False)

    async def _file_recording(self, callback: str, recorder: StereoRecorder) -> None:
        try:
            audio: AudioFile = await asyncio.to_thread(recorder.close)
            scribe: Scribe = await asyncio.to_thread(self._callbacks.scribe, callback)
            await scribe.note(filed(audio))
        except (HuifangError, OSError) as error:
            log.error("call.recording_unfiled", callback=callback, error=type(error).__name__)
