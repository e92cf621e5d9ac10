"""What breaks in mid-call, and where the caller ends: with a human.

Here the bot is a process of its own (`huifang serve`) without a manager connection: the dialplan
alone hands over, as it does when the manager is away.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from bot.cli.importing import import_policies
from bot.settings import ROOT, Settings
from tests.pbx.asterisk import NUMBER, PASSWORD, Asterisk, free_ports
from tests.pbx.phones import Phone, Phones
from tests.pbx.stage import CACHE, phones, start_exchange

FIRST, SECOND = "15403156998", "15403165886"  # examples/policies.csv


def free_tcp(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Bot:
    """`huifang serve`, a process that can be killed."""

    def __init__(self, data: Path) -> None:
        self.audio, self.http, web = free_tcp(3)
        self._command = [
            sys.executable, "-m", "bot.cli.main", "serve", "--data", str(data),
            "--voice", "pyttsx3",
            "--audiosocket-port", str(self.audio), "--telephony-port", str(self.http),
            "--web-port", str(web),
        ]  # fmt: skip

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, start_new_session=True,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert self._process.stdout is not None
        async with asyncio.timeout(180):
            while b"phone " not in await self._process.stdout.readline():
                pass

    async def kill(self) -> None:
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    def freeze(self) -> None:
        os.killpg(self._process.pid, signal.SIGSTOP)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bot(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bot]:
    data = tmp_path_factory.mktemp("faults") / "data"
    data.mkdir()
    (data / "cache").symlink_to(CACHE)
    import_policies(Settings(data=data), ROOT / "examples" / "policies.csv")
    made = Bot(data)
    await made.start()
    yield made
    await made.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def exchange(bot: Bot) -> AsyncIterator[Asterisk]:
    made = start_exchange(free_ports(), bot.audio, bot.http)
    yield made
    made.stop()


@asynccontextmanager
async def call(
    exchange: Asterisk, folder: Path, number: str
) -> AsyncIterator[tuple[Phone, Phones]]:
    """A policyholder's call that the bot has taken, and an agent at the telephone."""
    async with phones(exchange, folder) as callers, phones(exchange, folder) as desk:
        await desk.register("agent1", PASSWORD)
        phone = callers.call(number, NUMBER)
        await phone.wait("media")
        await asyncio.sleep(2)  # into the bot's first words
        assert not phone.had("ended")
        yield phone, desk
        await phone.hangup()


async def test_key_0_without_a_manager_connection(
    bot: Bot, exchange: Asterisk, tmp_path: Path
) -> None:
    async with call(exchange, tmp_path, FIRST) as (phone, desk):
        phone.dtmf("0")
        agent = await desk.next_incoming(30)
        await agent.wait("answered")


async def test_a_bot_killed_in_mid_call_leaves_the_caller_to_a_human(
    bot: Bot, exchange: Asterisk, tmp_path: Path
) -> None:
    async with call(exchange, tmp_path, SECOND) as (phone, desk):
        await bot.kill()
        agent = await desk.next_incoming(10)
        await agent.wait("answered")
        assert not phone.had("ended")


async def test_a_bot_that_is_not_there_costs_no_caller(
    bot: Bot, exchange: Asterisk, tmp_path: Path
) -> None:
    await bot.kill()
    async with phones(exchange, tmp_path) as callers, phones(exchange, tmp_path) as desk:
        await desk.register("agent1", PASSWORD)
        phone = callers.call(FIRST, NUMBER)
        agent = await desk.next_incoming(10)
        await agent.wait("answered")
        await phone.hangup()
