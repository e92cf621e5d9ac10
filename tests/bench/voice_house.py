"""The bot in a process of its own, for bench_voice: commands on standard input, events on standard
output, one JSON object a line. Real parts throughout; only what ends a turn can be switched back to
the plain hangover, for comparison."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import voice.phone
from bot import logs
from bot.cli.importing import import_policies
from bot.conversation.acting import sentences
from bot.evidence.ledger import Event
from bot.house import House, running
from bot.policies.policy import Policy
from bot.settings import ROOT, Settings
from voice.frames import PHONE_RATE
from voice.incoming import Incoming
from voice.listening.endpoint import SpeechPaused, Verdict
from voice.speaking import Clip, Speaker

KEYS = ROOT / "build" / "bench" / "keys"
"""Kept: what was spoken lies sealed, and under a new key it would have to be spoken anew."""
RATE = 1.25  # of the bot's voice …
LONGEST_S = 1.2  # … and how much of each sentence sounds, so that more answers fit into the time


class Compared(Incoming):
    """Hears as always, or ends every turn by the hangover."""

    forced: bool | None = None  # all calls by the hangover, or none; None: every other call
    made = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._plain = Compared.made % 2 == 1
        Compared.made += 1

    def _weigh(self, pause: SpeechPaused, *how: Any) -> None:
        """The last of `how` is the task that recognises."""
        plain = self._plain if Compared.forced is None else Compared.forced
        if not plain:
            super()._weigh(pause, *how)
        elif not how[-1].cancelled():
            self._take(self._endpointer.judge(pause, Verdict.OPEN))


class Curt(Speaker):
    """Speaks the beginning of each sentence."""

    async def render(self, text: str, **how: Any) -> Clip:
        clip = await super().render(text, **how)
        return replace(clip, pcm=clip.pcm[: int(LONGEST_S * clip.sample_rate) * 2])


async def script(house: House, policy: Policy) -> list[tuple[str, str, bytes]]:
    """The questions of a call that goes well, for `pipecat_house`: clause, item or "", and the
    sound of all that is said between the answer before and the next."""
    known = house.callbacks.script(policy)
    before = {"O4": ("O1", "O2", "O3"), known.items[0]: ("I_ok", "T_items")}
    before |= dict.fromkeys((*known.items[1:], "Z1"), ("A_ok",))
    questions = []
    for asked in ("O4", "I1", "I2", *known.items, "Z1"):
        sound = b""
        for clause in (*before.get(asked, ()), asked):
            for sentence in sentences(known.clauses[clause].text):
                clip = await house.speaker.render(sentence, rate=RATE, sample_rate=PHONE_RATE)
                sound += clip.pcm
        questions.append((asked, asked if asked in known.items else "", sound))
    return questions


async def serve(data: Path, written: Path | None = None) -> None:
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints is no event

    def tell(**fields: Any) -> None:
        out.write(json.dumps(fields) + "\n")

    def follow(event: Event) -> None:
        keys = (
            "clause",
            "complete",
            "start_ms",
            "end_ms",
            "via",
            "text",
            "spelt",
            "item",
            "answer",
        )
        fields = {key: event.body[key] for key in keys if key in event.body}
        tell(kind=event.kind, callback=event.callback, **fields)

    voice.phone.Incoming = Compared  # type: ignore[misc]
    settings = Settings(
        data=data,
        keys=KEYS,
        audiosocket_port=0,
        telephony_port=0,
        web_port=0,
        max_calls=64,
        normal_rate=RATE,
    )
    import_policies(settings, data / "policies.csv")
    async with running(settings) as house:
        first = house.store.policies(limit=1)[0]
        # All of it, or it would be spoken beside the first calls and be taken for their cost.
        words = house.callbacks.sentences(first) + house.callbacks.contingencies(first)
        await house.speaker.prepare(words, RATE)
        house.speaker.__class__ = Curt
        if written is not None:
            questions = pickle.dumps(await script(house, first))
            await asyncio.to_thread(written.write_bytes, questions)
        house.listeners.append(follow)
        tell(kind="open", port=house.audiosocket_port, telephony=house.telephony_port)
        while line := await asyncio.to_thread(sys.stdin.readline):
            _obey(house, json.loads(line), tell)


def _obey(house: House, command: dict[str, Any], tell: Any) -> None:
    if "plain" in command:
        Compared.forced, Compared.made = command["plain"], 0
    else:
        callback, uuid = house.callbacks.open(command["call"], "phone"), str(uuid4())
        house.switchboard.expect(uuid, callback)
        tell(kind="placed", policy=command["call"], callback=callback, uuid=uuid)


if __name__ == "__main__":
    logs.configure("WARNING")
    asyncio.run(serve(*map(Path, sys.argv[1:])))
