"""One dialogue worker as the application sees it: a child process at the end of a socket pair."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.dialogue.protocol import MAX_LINE
from bot.dialogue.wire import BadLine, decode, encode
from bot.errors import ConfigError

STDERR_TAIL = 2000  # characters of a failed start that are worth reading


class WorkerLost(Exception):
    """The process ended, or its socket did."""


class WorkerRefused(Exception):
    """The worker answered that it cannot do this. `kind`: bad_request (ours) or failed (its)."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


@dataclass(frozen=True)
class Launch:
    """How to start a worker."""

    python: Path  # the interpreter that has Rasa
    model: Path
    root: Path  # the repository: the worker imports `bot`, `actions` and `nlu` from here
    temp: Path  # private to us: jieba and Rasa unpack and cache here

    def environment(self) -> dict[str, str]:
        kept = {k: v for k in ("PATH", "HOME", "LANG", "LC_ALL") if (v := os.environ.get(k))}
        # One thread each: workers scale by number, and more would fight with the recogniser.
        single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        return {**kept, **single, "TMPDIR": str(self.temp)}


class Worker:
    """Created by `launch`. One request at a time; replies are matched by id, so that one that
    comes too late is never taken for the next."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process, self._reader, self._writer = process, reader, writer
        self._stderr = asyncio.create_task(self._drain_stderr())
        self._tail = ""
        self._last_id = 0
        self.info: Mapping[str, Any] = {}

    @classmethod
    async def launch(cls, launch: Launch) -> Worker:
        """Start the process; it is not ready yet. Raises ConfigError without an interpreter."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            fd = theirs.fileno()
            command = ["-m", "bot.dialogue.worker", "--fd", str(fd), "--model", str(launch.model)]
            try:
                process = await asyncio.create_subprocess_exec(
                    launch.python,
                    *command,
                    cwd=launch.root,
                    env=launch.environment(),
                    pass_fds=(fd,),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.PIPE,
                )
            except OSError as error:
                ours.close()
                raise ConfigError(
                    f"cannot run {launch.python} ({error.strerror}); run: make setup"
                ) from error
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=MAX_LINE)
        return cls(process, reader, writer)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def ready(self) -> None:
        """Wait until it can answer. Raises WorkerLost with the end of what it wrote to stderr."""
        try:
            self.info = (await self._read())["ready"]
        except (WorkerLost, KeyError) as error:
            await self._stderr
            raise WorkerLost(self._tail.strip() or "it gave no reason") from error

    async def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send one request, return its reply. Raises WorkerLost or WorkerRefused."""
        self._last_id += 1
        id = self._last_id
        await self.send(encode({**request, "id": id}))
        while (reply := await self._read()).get("id") != id:
            pass
        if "error" in reply:
            raise WorkerRefused(reply["error"], reply.get("message", ""))
        return reply

    async def send(self, line: bytes) -> None:
        """Send one line as it is. Raises WorkerLost."""
        try:
            self._writer.write(line)
            await self._writer.drain()
        except OSError as error:
            raise WorkerLost("its socket is closed") from error

    async def ended(self) -> int:
        """Wait for the process; its exit status."""
        return await self._process.wait()

    async def stop(self) -> None:
        """End it, gently if it lets us."""
        self.hang_up()
        try:
            await asyncio.wait_for(self._process.wait(), timeout=2)
        except TimeoutError:
            self.kill()
            await self._process.wait()
        await self._stderr

    def hang_up(self) -> None:
        """Close our end; the worker ends by itself."""
        self._writer.close()

    def kill(self) -> None:
        if self.alive:
            self._process.kill()

    async def _read(self) -> dict[str, Any]:
        try:
            line = await self._reader.readline()
            if not line.endswith(b"\n"):
                raise WorkerLost("it closed its socket")
            return decode(line)
        except (OSError, ValueError, BadLine) as error:
            raise WorkerLost("it sent what is no reply") from error

    async def _drain_stderr(self) -> None:
        """Keep the end of what it writes before it is ready; drop the rest, which nobody reads."""
        assert self._process.stderr is not None
        while chunk := await self._process.stderr.read(4096):
            if not self.info:
                self._tail = (self._tail + chunk.decode("utf-8", "replace"))[-STDERR_TAIL:]
