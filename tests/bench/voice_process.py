"""A bot in a process of its own, for bench_voice and bench_pipecat: commands on its standard input,
events on its standard output, one JSON object a line; and what it costs, all its processes."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.settings import ROOT
from tests.bench.voice_caller import Talker


class House:
    """The bot's process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.talkers: dict[str, Talker] = {}
        self._placed: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def opened(self) -> dict[str, Any]:
        """Its ports; then follow its events."""
        opened = await self._next()
        self._reader = asyncio.create_task(self._follow())
        return opened

    async def place(self, policy: str) -> dict[str, Any]:
        self.tell(call=policy)
        return await self._placed.get()

    def tell(self, **command: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command).encode() + b"\n")

    async def _next(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        if not line:
            raise EOFError("the bot is gone: see its log in build/bench")
        return dict(json.loads(line))

    async def _follow(self) -> None:
        assert self.process.stdin is not None
        while not self.process.stdin.is_closing():
            try:
                event = await self._next()
            except EOFError:
                return
            if event["kind"] == "placed":
                self._placed.put_nowait(event)
            elif talker := self.talkers.get(event["callback"]):
                talker.events.put_nowait(event)


@asynccontextmanager
async def running(log: Path, *command: str | Path) -> AsyncIterator[House]:
    """`command` until the block ends; what it prints beside its events goes to `log`."""
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=file,
            cwd=ROOT,
        )
        try:
            yield House(process)
            assert process.stdin is not None
            process.stdin.close()
            await asyncio.wait_for(process.wait(), 60)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found = [pid]
    try:
        for child in children.read_text(encoding="ascii").split():
            found += family(int(child))
    except FileNotFoundError:
        pass
    return found


def usage(pid: int) -> tuple[float, float]:
    """CPU seconds and resident megabytes of a process and its descendants."""
    cpu = rss = 0.0
    for member in family(pid):
        try:
            stat = Path(f"/proc/{member}/stat").read_text(encoding="utf-8").rpartition(")")[2]
            status = Path(f"/proc/{member}/status").read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        fields = stat.split()
        cpu += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        rss += int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]
    return cpu, rss
