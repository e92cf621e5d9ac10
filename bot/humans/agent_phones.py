"""From the queue's telephones to the agents' screens: who rings, who took the call.

An agent's name at the console is the name of the queue's member (queues.conf).
"""

from __future__ import annotations

import structlog

from bot.errands import Errands
from bot.errors import HuifangError
from bot.humans.handoff import HumanDesk
from bot.phone.switchboard import Switchboard
from voice.errors import VoiceError
from voice.pbx import Pbx
from voice.pbx_events import AgentRings, AgentTalks, Gone, PbxEvent

log = structlog.get_logger()


class AgentPhones:
    """One per exchange. `recorder` is given when calls are recorded on after the bot has left."""

    def __init__(self, switchboard: Switchboard, desk: HumanDesk, recorder: Pbx | None) -> None:
        self._switchboard, self._desk, self._recorder = switchboard, desk, recorder
        self._recorded: set[str] = set()  # UUIDs of calls that are recorded on until they end
        self._errands = Errands()

    async def close(self) -> None:
        await self._errands.close()

    def on_pbx(self, event: PbxEvent) -> None:
        if isinstance(event, Gone):
            self._recorded.discard(event.uuid)
        callback = self._switchboard.callback_of(event.uuid)
        if callback is None:
            return
        match event:
            case AgentRings(_, agent):
                self._desk.rings(callback, agent)
            case AgentTalks(uuid, agent):
                self._errands.begin(self._talks(uuid, callback, agent), "agent's telephone")
            case Gone():
                self._desk.quiet(callback)
            case _:
                pass

    async def _talks(self, uuid: str, callback: str, agent: str) -> None:
        try:
            await self._desk.answered(callback, agent)
        except HuifangError as error:
            log.warning("agent.unnoted", callback=callback, error=type(error).__name__)
        if self._recorder is None or uuid in self._recorded:
            return  # begun anew it would overwrite what the agent before was told
        self._recorded.add(uuid)
        try:  # whoever has the conversation on the screen: they talk
            await self._recorder.record(uuid, f"{callback}.{uuid[:8]}.human.wav")
        except VoiceError as error:
            self._recorded.discard(uuid)
            log.error("agent.unrecorded", callback=callback, error=type(error).__name__)
