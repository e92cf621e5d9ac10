"""Callers of bench_voice: they answer what they are asked, and their recordings are measured."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voice.caller import SOUND_LEVEL, SimulatedCaller
from voice.frames import FRAME_BYTES, FRAME_MS

REACTION_S = 0.3  # of a caller, after the question was heard, at least
# Not 是 alone: none of the callers' synthetic voices says it so that Whisper writes it down.
SHORT = ("是的", "对", "清楚", "知道", "好的", "没错", "明白", "可以")
OPENING = {"O4": "可以", "I1": "是我", "Z1": "没有", "NT2": "没有"}
BIRTH = "19790425"
QUIET_FRAMES = 5  # this long without sound, and the next sound is a new one
NOISE = np.random.default_rng(5).normal(0, 12, 8000).astype("<i2").tobytes()


@dataclass(frozen=True, slots=True)
class Mark:
    """Something a caller did, by frame of the call."""

    kind: str  # answer, interrupt, key
    begin: int
    end: int
    text: str
    plain: bool  # the turn was ended by the hangover


@dataclass
class Talker:
    """One simulated policyholder on the wire."""

    callback: str
    clips: Mapping[str, bytes]
    plain: bool = False
    interrupts: bool = False
    seed: int = 0
    every_s: float = 0.0  # answers are at least this far apart
    events: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    marks: list[Mark] = field(default_factory=list)
    caller: SimulatedCaller = field(default_factory=lambda: SimulatedCaller(NOISE))
    heard: list[tuple[int, int]] = field(default_factory=list)  # what the bot took down, ms
    begun: list[int] = field(default_factory=list)  # when the bot began each of its clauses, ms

    async def talk(self) -> None:
        """Until cancelled or hung up."""
        words = itertools.cycle(SHORT[self.seed % len(SHORT) :] + SHORT[: self.seed % len(SHORT)])
        asked, term, disturbed, turn = "", False, set[str](), 0
        while True:
            event = await self.events.get()
            if event["kind"] == "played" and event["end_ms"] > event["start_ms"]:
                self.begun.append(event["start_ms"])
            match event["kind"]:
                case "heard" if event["via"] == "voice" and (event["text"] or event.get("spelt")):
                    self.heard.append((event["start_ms"], event["end_ms"]))
                case "asked":
                    asked, term = event["clause"], event["item"]
                    if self.interrupts and term and asked not in disturbed:
                        disturbed.add(asked)
                        turn += 1
                        await self._disturb(by_key=turn % 2 == 0)
                case "played" if event["complete"] and event["clause"] == asked:
                    await asyncio.sleep(max(REACTION_S, self.every_s - self._since_answer))
                    if asked == "I2":
                        await self._birth_date()
                    elif asked in OPENING or term:
                        await self._say("answer", OPENING.get(asked) or next(words))
                case _:
                    pass

    async def _disturb(self, *, by_key: bool) -> None:
        """In the middle of the term's first sentence, after 好的 and the pause."""
        await asyncio.sleep(1.2)
        if by_key:
            at = self._now
            self.caller.key("9")
            self.marks.append(Mark("key", at, at, "9", self.plain))
        else:
            await self._say("interrupt", "再说一遍")

    async def _say(self, kind: str, text: str) -> None:
        begin = self._now
        await self.caller.say(self.clips[text])
        self.marks.append(Mark(kind, begin, self._now, text, self.plain))

    async def _birth_date(self) -> None:
        for digit in BIRTH:
            self.caller.key(digit)
            await asyncio.sleep(0.15)

    @property
    def _since_answer(self) -> float:
        last = next((m.end for m in reversed(self.marks) if m.kind == "answer"), 0)
        return (self._now - last) * FRAME_MS / 1000

    @property
    def _now(self) -> int:
        return len(self.caller.said) // FRAME_BYTES


def audible(side: bytes | bytearray) -> NDArray[np.bool_]:
    """Per frame: can it be heard?"""
    samples = np.frombuffer(bytes(side), dtype="<i2").astype(np.float32).reshape(-1, 160)
    return np.asarray(np.sqrt(np.mean(samples**2, axis=1)) > SOUND_LEVEL)


def gaps_ms(talker: Talker) -> Iterator[tuple[Mark, float]]:
    """From the end of each answer to the bot's first sound after it, in the stereo recording."""
    said, heard = audible(talker.caller.said), audible(talker.caller.heard)
    for mark in talker.marks:
        if mark.kind != "answer":
            continue
        spoken = np.flatnonzero(said[mark.begin : mark.end])
        if not len(spoken):
            continue
        end = mark.begin + int(spoken[-1]) + 1
        sound = np.flatnonzero(heard[end:])
        if len(sound):
            yield mark, float(sound[0]) * FRAME_MS


def stops_ms(talker: Talker) -> Iterator[float]:
    """From the onset of each interruption to the bot's silence."""
    said, heard = audible(talker.caller.said), audible(talker.caller.heard)
    for mark in talker.marks:
        if mark.kind != "interrupt" or not said[mark.begin : mark.end].any():
            continue
        onset = mark.begin + int(np.argmax(said[mark.begin : mark.end]))
        if heard[onset - 2 : onset + 1].any():
            yield float(_quiet_from(heard, onset) - onset) * FRAME_MS


def key_ms(talker: Talker) -> Iterator[float]:
    """From each key to the first sound of the clause that the bot begins next. Where that is, the
    record says: there need not be a silence between what was cut and what follows."""
    heard = audible(talker.caller.heard)
    for mark in talker.marks:
        if mark.kind == "key" and heard[mark.begin - 2 : mark.begin + 1].any():
            begun = min((ms for ms in talker.begun if ms > mark.begin * FRAME_MS), default=None)
            if begun is not None:
                sound = np.flatnonzero(heard[begun // FRAME_MS :])
                yield float(begun // FRAME_MS + sound[0] - mark.begin) * FRAME_MS


def covering(talker: Talker, mark: Mark) -> int:
    """How many utterances with words, written or spelt, the bot heard in an answer: 0, it is lost;
    several, it is doubled. The offsets of both sides count from the first frame."""
    begin, end = mark.begin * FRAME_MS - 600, mark.end * FRAME_MS + 600
    return sum(begin <= start <= end for start, _ in talker.heard)


def lost_and_doubled(talker: Talker) -> tuple[int, int, int]:
    """Answers, those that no utterance covers, and those that several cover."""
    answers = [m for m in talker.marks if m.kind == "answer"][:-1]  # the last may be on its way
    found = [covering(talker, mark) for mark in answers]
    return len(answers), found.count(0), sum(n > 1 for n in found)


def _quiet_from(heard: NDArray[np.bool_], onset: int) -> int:
    """The frame after the last sound before `QUIET_FRAMES` of silence."""
    run = 0
    for at in range(onset, len(heard)):
        run = 0 if heard[at] else run + 1
        if run == QUIET_FRAMES:
            return at + 1 - QUIET_FRAMES
    return len(heard)
