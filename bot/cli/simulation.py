"""A simulated policyholder on the phone, for `huifang demo`, `huifang call` and the tests.

It is a real AudioSocket client at real-time pace: it is announced to the exchange interface as a
dialplan would, speaks with a synthetic voice through telephone band and A-law, waits until the bot
has stopped speaking, and presses keys. The one thing it does not do by ear is to find out which
clause was asked; that it reads from the committed events.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from bot.errors import ConfigError
from bot.evidence.ledger import Event
from bot.house import House
from bot.policies.policy import Policy
from bot.questionnaires.questionnaire import Script
from voice.caller import SimulatedCaller
from voice.frames import PHONE_RATE
from voice.speaking import Speaker
from voice.telephone import through_telephone

QUIET_MS = 700  # silence after which a caller takes it that the bot has finished
PATIENCE_S = 60.0  # of a caller whom nobody asks anything
CALLER_RATE = 1.25  # of a voice that is paced for the elderly: people answer at this pace
KEY_EVERY_S = 0.25


@dataclass(frozen=True)
class Answer:
    """What the policyholder does when a clause is asked: words, keys, or putting the phone down."""

    words: str = ""
    keys: str = ""
    hangup: bool = False


@dataclass(frozen=True)
class Interruption:
    """A key pressed while a clause is being spoken."""

    clause: str
    after_s: float
    key: str


@dataclass(frozen=True)
class Scenario:
    """Who is called and what they answer."""

    policy: str
    voice: str = "zm_yunxi"
    answers: Mapping[str, Answer] = field(default_factory=dict)
    otherwise: Answer = Answer("是的，我清楚了。")
    interruption: Interruption | None = None

    def words(self, script: Script) -> list[str]:
        """Everything this caller may say, to be rendered before the call."""
        found = [a.words for a in (*self.answers.values(), self.otherwise) if a.words]
        found += [self.answer(id, script).words for id, c in script.clauses.items() if c.checks]
        return list(dict.fromkeys(word for word in found if word))

    def answer(self, clause: str, script: Script) -> Answer:
        """What this caller does when `clause` is asked: comprehension questions are answered as the
        contract says unless the scenario knows better."""
        if found := self.answers.get(clause):
            return found
        asked = script.clauses.get(clause)
        return Answer(f"{asked.expects.answer}。") if asked and asked.expects else self.otherwise


def load(path: Path) -> Scenario:
    """Raises ConfigError naming file and key."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    if not isinstance(data, dict) or "policy" not in data:
        raise ConfigError(f"{path}: policy: missing")
    if unknown := data.keys() - {"policy", "voice", "answers", "press"}:
        raise ConfigError(f"{path}: {sorted(unknown)[0]}: unknown key")
    answers = {
        str(key): _answer(path, key, value) for key, value in (data.get("answers") or {}).items()
    }
    press = data.get("press")
    return Scenario(
        policy=str(data["policy"]),
        voice=str(data.get("voice", Scenario.voice)),
        otherwise=answers.pop("默认", Scenario.otherwise),
        answers=answers,
        interruption=_interruption(path, press) if press else None,
    )


def _answer(path: Path, key: Any, value: Any) -> Answer:
    match value:
        case str():
            return Answer(words=value)
        case {"keys": str() | int() as keys}:
            return Answer(keys=str(keys))
        case {"hangup": True}:
            return Answer(hangup=True)
        case _:
            raise ConfigError(f"{path}: answers.{key}: words, {{keys: …}} or {{hangup: true}}")


def _interruption(path: Path, press: Any) -> Interruption:
    try:
        return Interruption(
            clause=str(press["during"]), after_s=float(press["after_s"]), key=str(press["key"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path}: press: needs during, after_s and key") from error


@dataclass(frozen=True)
class Outcome:
    """What a simulated call came to."""

    callback: str
    action: str  # what the exchange is told to do next: transfer, hangup, "" (human queue)
    gaps_s: tuple[float, ...]  # end of the caller's words → first sound of the bot, at the wire


class Policyholder:
    """Plays one scenario against a running house."""

    def __init__(self, house: House, scenario: Scenario, voice: Speaker) -> None:
        self._house, self._scenario, self._voice = house, scenario, voice
        self._asked: asyncio.Queue[tuple[str, str]] = asyncio.Queue()  # clause, the one before
        self._played: asyncio.Queue[str] = asyncio.Queue()  # clauses heard to their end

    async def call(self) -> Outcome:
        """Place the call and play it to its end. Raises HuifangError when it is not let in."""
        house, policy = self._house, self._house.store.policy(self._scenario.policy)
        callback = house.callbacks.open(policy.number, "phone")
        call_uuid = str(uuid.uuid4())
        house.switchboard.expect(call_uuid, callback)
        await self._telephony("incoming", uuid=call_uuid, caller=policy.phone)

        said: list[str] = []  # what leads up to the next question

        def follow(event: Event) -> None:
            if event.callback != callback:
                return
            if event.kind == "asked":
                self._asked.put_nowait((event.body["clause"], said[-1] if said else ""))
                said.clear()
            elif event.kind == "said":
                said.append(event.body["clause"])
            elif event.kind == "played" and event.body["complete"]:
                self._played.put_nowait(event.body["clause"])

        house.listeners.append(follow)
        caller = SimulatedCaller()
        try:
            await caller.connect(house.settings.host, house.audiosocket_port, call_uuid)
            await self._play(caller, policy)
        finally:
            house.listeners.remove(follow)
            await caller.hangup()
        action = await self._telephony("next", uuid=call_uuid)
        return Outcome(callback, action, tuple(caller.gaps))

    async def _play(self, caller: SimulatedCaller, policy: Policy) -> None:
        gone = asyncio.create_task(caller.closed.wait())
        try:
            while not gone.done():
                asked = asyncio.create_task(self._asked.get())
                done, _ = await asyncio.wait(
                    {asked, gone}, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED
                )
                if asked not in done:
                    asked.cancel()
                    if gone in done:
                        return
                    raise ConfigError("the bot asked nothing for a minute")
                answer = asyncio.create_task(self._answer(caller, *asked.result(), policy))
                await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not answer.done():
                    answer.cancel()
                    return
                if not answer.result():
                    return
        finally:
            gone.cancel()

    async def _answer(
        self, caller: SimulatedCaller, clause: str, before: str, policy: Policy
    ) -> bool:
        """Answer the newest question once the bot is quiet; False when the phone is put down."""
        press = self._scenario.interruption
        if press and press.clause == clause:
            while before and await self._played.get() != before:
                pass
            await asyncio.sleep(press.after_s)
            caller.key(press.key)
            await caller.closed.wait()
            return False
        while await self._played.get() != clause:
            pass  # what led up to the question
        if not await caller.wait_quiet(QUIET_MS, PATIENCE_S):
            return False
        while not self._asked.empty():  # the question was repeated in other words meanwhile
            clause, _ = self._asked.get_nowait()
        answer = self._scenario.answer(clause, self._house.callbacks.script(policy))
        if answer.hangup:
            return False
        if answer.keys:
            await self._key(caller, answer.keys, policy)
        else:
            clip = await self._voice.render(answer.words, rate=CALLER_RATE, sample_rate=PHONE_RATE)
            await caller.say(through_telephone(clip.pcm, PHONE_RATE))
        return True

    async def _key(self, caller: SimulatedCaller, keys: str, policy: Policy) -> None:
        digits = policy.birth_date.strftime("%Y%m%d") if keys == "birth_date" else keys
        for digit in digits:
            caller.key(digit)
            await asyncio.sleep(KEY_EVERY_S)

    async def _telephony(self, path: str, **query: str) -> str:
        url = f"http://{self._house.settings.host}:{self._house.telephony_port}/telephony/{path}"
        async with aiohttp.ClientSession() as session, session.get(url, params=query) as answer:
            return (await answer.text()).strip()
