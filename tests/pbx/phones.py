"""Telephones for the tests: drives `phones_child`, one process for all of them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import math
import sys
import time
from pathlib import Path
from typing import Any, Self

from bot.settings import ROOT

KEPT_S = 0.5


class Phone:
    """One call as its telephone sees it."""

    def __init__(self, phones: Phones, id: str) -> None:
        self.id, self._phones = id, phones
        self.number = ""
        self.caller = ""
        self.times: dict[str, float] = {}  # event → time.monotonic of its first one
        self.code = 0  # SIP status at the end
        self._changed = asyncio.Event()

    @property
    def sound(self) -> Path:
        """What this telephone heard."""
        return self._phones.folder / f"{self.id}.wav"

    def had(self, event: str) -> bool:
        return event in self.times

    async def wait(self, event: str, timeout_s: float = 15.0) -> None:
        """Raises TimeoutError naming the event that did not come."""
        try:
            async with asyncio.timeout(timeout_s):
                while event not in self.times:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(
                f"{self.id}: no {event} in {timeout_s} s, had {self.times}"
            ) from None

    def dtmf(self, digits: str) -> None:
        self._phones.tell(do="dtmf", id=self.id, digits=digits)

    async def play(self, wav: Path) -> None:
        """Speak; returns at the end of the file."""
        self.times.pop("played", None)
        self._phones.tell(do="play", id=self.id, wav=str(wav))
        await self.wait("played", 60)

    async def hangup(self) -> None:
        self._phones.tell(do="hangup", id=self.id)
        await self.wait("ended")

    def take(self, event: dict[str, Any]) -> None:
        self.times.setdefault(event["event"], event["at"])
        self.code = event.get("code", self.code)
        self._changed.set()


class Phones:
    """`async with Phones(…)`: the child runs. Calls that come in are in `incoming`."""

    def __init__(self, port: int, pbx_port: int, folder: Path) -> None:
        self.folder = folder
        self.calls: dict[str, Phone] = {}
        self.incoming: list[Phone] = []
        self._port, self._pbx = port, f"127.0.0.1:{pbx_port}"
        self._ids = itertools.count(1)
        self._others = Phone(self, "")
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.pbx.phones_child", "--port", str(self._port),
            "--pbx", self._pbx, "--folder", str(self.folder), cwd=ROOT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self._reader = asyncio.create_task(self._read())
        await self._others.wait("ready", 30)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.tell(do="quit")
        try:
            await asyncio.wait_for(self._child.wait(), 10)
        except TimeoutError:
            self._child.kill()
        self._reader.cancel()

    def tell(self, **command: Any) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(command).encode() + b"\n")

    def rule(self, number: str, code: int, **more: Any) -> None:
        """How the carrier answers a number: a SIP status (0: it rings for ever)."""
        self.tell(do="rule", number=number, code=code, **more)

    async def register(self, phone: str, password: str, *, answers: bool = True) -> None:
        self.rule(phone, 200 if answers else 0, after_s=0.4)
        self._others.times.pop("registered", None)
        self.tell(do="register", phone=phone, password=password)
        await self._others.wait("registered")

    def call(self, phone: str, to: str, *, echo: float = 0.0) -> Phone:
        """`phone`: the caller's number, seen by the exchange. `echo`: so much of what it hears
        goes back (0.3: 10 dB down)."""
        call = Phone(self, f"out{next(self._ids)}")
        self.calls[call.id] = call
        self.tell(do="call", phone=phone, id=call.id, to=to, echo=echo)
        return call

    async def next_incoming(self, timeout_s: float = 15.0, phone: str = "") -> Phone:
        """The next call that comes in (to the agent's telephone `phone`, if given)."""
        async with asyncio.timeout(timeout_s):
            while True:
                for call in self.incoming:
                    if not phone or call.number == phone:
                        self.incoming.remove(call)
                        return call
                self._changed.clear()
                await self._changed.wait()

    async def answered_call(self, caller: str, timeout_s: float = 15.0) -> Phone:
        """The call from this number that one of these telephones has answered, and keeps: where
        two answer at once, the exchange drops one of them."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    kept = time.monotonic() - KEPT_S
                    for call in self.calls.values():
                        mine = caller in call.caller and not call.had("ended")
                        if mine and call.times.get("answered", math.inf) < kept:
                            return call
                    self._changed.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._changed.wait(), KEPT_S)
        except TimeoutError:
            had = [(call.caller, sorted(call.times)) for call in self.calls.values()]
            raise TimeoutError(f"nobody answered {caller}; these rang: {had}") from None

    async def _read(self) -> None:
        assert self._child.stdout is not None
        async for line in self._child.stdout:
            event = json.loads(line)
            if event["event"] == "incoming":
                call = self.calls[event["id"]] = Phone(self, event["id"])
                call.number, call.caller = event["number"], event["caller"]
                self.incoming.append(call)
                self._changed.set()
            elif "id" in event:
                self.calls[event["id"]].take(event)
                self._changed.set()
            else:
                self._others.take(event)
