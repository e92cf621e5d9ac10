"""Speaking ahead: what a callback says is rendered before it is dialled, so that every word starts
at once.

First come those who are about to be called, then what is surely said to every policyholder, then
the rest: plainer words, keys, explanations. Policies that are imported or change while the bot runs
are found.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Protocol

import structlog

from bot.callbacks import Callbacks
from bot.errors import HuifangError
from bot.policies.policy import Policy
from voice.errors import VoiceError
from voice.survived import survived

log = structlog.get_logger()

LOOK_S = 30.0  # between two looks for policies that are new or have changed
MAX_POLICIES = 20_000  # remembered; the sentences of more are rendered when they are hurried


class Voice(Protocol):
    """What is needed of `voice.speaking.Speaker`."""

    def cached(self, text: str) -> bool: ...

    async def render(self, text: str) -> Rendered: ...


class Rendered(Protocol):
    @property
    def cpu_s(self) -> float: ...


class Rehearsal:
    """One per process. Without `everyone` it renders only what is hurried."""

    def __init__(self, callbacks: Callbacks, voice: Voice) -> None:
        self._callbacks, self._voice = callbacks, voice
        self._everyone = False
        self._known: dict[str, Policy] = {}
        self._hurried: deque[Policy] = deque()
        self._sure: deque[Policy] = deque()
        self._rest: deque[Policy] = deque()
        self._wanted = asyncio.Event()

    def everyone(self) -> None:
        """From now on for every policy of the store."""
        self._everyone = True
        self._wanted.set()

    def hurry(self, policy: Policy) -> None:
        """This one first: its call waits."""
        if policy not in self._hurried:
            self._hurried.append(policy)
            self._wanted.set()

    def ready(self, policy: Policy) -> bool:
        """Whether all that is surely said is rendered. Blocking. A policy that cannot be spoken of
        is ready: its call will tell what is wrong."""
        with suppress(HuifangError):
            return all(map(self._voice.cached, self._callbacks.sentences(policy)))
        return True

    async def run(self) -> None:
        """For ever."""
        looked = -LOOK_S
        while True:
            if self._everyone and monotonic() - looked >= LOOK_S:
                looked = monotonic()
                await self._look()
            if await self.step():
                continue
            self._wanted.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._wanted.wait()

    async def step(self) -> bool:
        """Render what is most wanted of one policy. False where nothing is left."""
        if self._hurried:
            await self._render(self._hurried[0], self._callbacks.sentences, hurried=True)
            self._hurried.popleft()
        elif self._sure:
            policy = self._sure.popleft()
            await self._render(policy, self._callbacks.sentences)
            self._rest.append(policy)
        elif self._rest:
            await self._render(self._rest.popleft(), self._callbacks.contingencies)
        else:
            return False
        return True

    async def _look(self) -> None:
        """Find policies that are new or have changed."""
        with survived("rehearsal.broken"):
            try:
                store = self._callbacks.store  # whose damaged ones `huifang due` tells of
                for policy in await asyncio.to_thread(store.policies, MAX_POLICIES):
                    if self._known.get(policy.number) != policy:
                        self._known[policy.number] = policy
                        self._sure.append(policy)
            except HuifangError as error:
                log.warning("rehearsal.not_looked", error=type(error).__name__)

    async def _render(
        self, policy: Policy, part: Callable[[Policy], list[str]], *, hurried: bool = False
    ) -> None:
        """Whatever fails: the call still comes, and its sentences are rendered during it."""
        new, cpu_s = 0, 0.0
        with survived("rehearsal.broken"):
            try:
                for text in await asyncio.to_thread(part, policy):
                    while self._hurried and not hurried:
                        await self.step()
                    if not await asyncio.to_thread(self._voice.cached, text):
                        cpu_s += (await self._voice.render(text)).cpu_s
                        new += 1
            except (HuifangError, VoiceError) as error:
                log.warning("rehearsal.failed", error=type(error).__name__)
        if new:
            log.info("rehearsal.rendered", sentences=new, cpu_s=round(cpu_s, 1))
