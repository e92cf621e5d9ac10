"""Stock Rasa as its manual runs it: `rasa run` with REST and `rasa run actions`, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tempfile
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

READY_S = 180  # an idle machine needs 20
QUIET = {
    "RASA_TELEMETRY_ENABLED": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "ACTION_SERVER_SANIC_HOST": "127.0.0.1",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class StockRasa:
    """A running pair of servers."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url, self._session = url, session

    async def say(self, sender: str, message: str) -> list[dict[str, Any]]:
        """One turn; what the bot sent back."""
        body = {"sender": sender, "message": message}
        async with self._session.post(f"{self._url}/webhooks/rest/webhook", json=body) as answer:
            answer.raise_for_status()
            sent: list[dict[str, Any]] = await answer.json()
            return sent

    async def answers(self) -> bool:
        """Whether both servers are up: a whole turn brings the opening."""
        with contextlib.suppress(aiohttp.ClientError):
            return bool(await self.say(uuid.uuid4().hex, "/start"))
        return False


def configure(folder: Path, actions_port: int) -> tuple[Path, Path]:
    """Write endpoints and credentials as Rasa's manual shows them."""
    endpoints, credentials = folder / "endpoints.yml", folder / "credentials.yml"
    url = f"http://127.0.0.1:{actions_port}/webhook"
    endpoints.write_text(f"action_endpoint:\n  url: {url}\n", encoding="utf-8")
    credentials.write_text("rest:\n", encoding="utf-8")
    return endpoints, credentials


@contextlib.asynccontextmanager
async def stock_rasa(rasa: Path, model: Path, root: Path) -> AsyncIterator[StockRasa]:
    """`rasa` is the command of the Rasa environment. Raises TimeoutError when it does not start."""
    actions_port, port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        endpoints, credentials = configure(Path(folder), actions_port)
        async with contextlib.AsyncExitStack() as stack:
            for command in (
                ["run", "actions", "--port", str(actions_port)],
                [
                    *("run", "--model", str(model), "--port", str(port)),
                    *("--interface", "127.0.0.1", "--endpoints", str(endpoints)),
                    *("--credentials", str(credentials)),
                ],
            ):
                process = await asyncio.create_subprocess_exec(
                    rasa,
                    *command,
                    cwd=root,
                    env={**os.environ, **QUIET},
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.DEVNULL,
                )
                stack.push_async_callback(process.wait)
                stack.callback(process.terminate)
            timeout = aiohttp.ClientTimeout(total=30)
            session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
            server = StockRasa(f"http://127.0.0.1:{port}", session)
            for _ in range(READY_S):
                if await server.answers():
                    break
                await asyncio.sleep(1)
            else:
                raise TimeoutError(f"stock Rasa did not start in {READY_S} s")
            yield server
