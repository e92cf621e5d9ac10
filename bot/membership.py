"""One bot of possibly several on the same store: its id, its data folder, its sign of life."""

from __future__ import annotations

import asyncio
import fcntl
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import structlog

from bot.errors import ConfigError, HuifangError
from bot.store.sharing import Sharing
from voice.survived import survived

log = structlog.get_logger()

BEAT_S = 10.0  # bot.store.bots.LEASE holds four of them


@contextmanager
def joined(data: Path) -> Iterator[str]:
    """The id of the bot with this data folder, which is this process's alone until the end, however
    it ends. Raises ConfigError while another process has it."""
    file = os.open(data / "bot.id", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(
                f"another huifang serve has the data folder {data}; stop it or give another --data"
            ) from error
        known = os.read(file, 64).decode("ascii", "replace").strip()
        if not known:
            known = str(uuid.uuid4())
            os.write(file, f"{known}\n".encode())
            os.fsync(file)
        yield known
    finally:
        os.close(file)


async def live(store: Sharing, bot: str, look_after: Callable[[], object]) -> None:
    """For ever: say that this bot lives, and look after what dead ones left. A store that is away
    for a while is tried again: the calls that run notice it. Whatever fails, the beat goes on: the
    others would end the calls of a bot that seems dead."""
    while True:
        await asyncio.sleep(BEAT_S)
        for duty in (partial(store.beat, bot), look_after):
            with survived("membership.broken"):
                try:
                    await asyncio.to_thread(duty)
                except HuifangError as error:
                    log.warning("membership.unsaid", error=type(error).__name__)
