"""The application's side of the dialogue: a pool of workers that may die at any time.

A turn that a worker does not answer in TURN_S, or that dies with it, is replayed on another one:
workers keep nothing, so a replay is the same turn. Workers that end are replaced in the background.
"""

from __future__ import annotations

import asyncio
import tarfile
import tempfile
from collections import deque
from collections.abc import Coroutine, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import structlog

from bot.dialogue.process import Launch, Worker, WorkerLost, WorkerRefused
from bot.dialogue.protocol import MAX_TEXT, Answer, Meaning, Moved, Start, Turn
from bot.dialogue.wire import BadLine, meaning_from_json, moved_from_json
from bot.errors import ConfigError, DialogueUnavailable

log = structlog.get_logger()

TURN_S = 1.5  # a turn takes 10 ms; after this its worker is stuck or the machine is
LATE_S = 5.0  # how long a late worker may finish before it is replaced
FREE_S = 3.0  # how long a turn waits for a free worker
START_S = 120.0  # Rasa's import takes 4 to 15 s on an idle machine
ATTEMPTS = 3
PAUSE_S, MAX_PAUSE_S = 0.5, 30.0  # between starts that fail


class Dialogue:
    """`start` it once, use it from any task, `close` it at the end.

    `workers` is how many turns run at once; with two or more the idle ones are the hot spare of a
    caller whose worker dies.
    """

    def __init__(
        self,
        python: Path,
        model: Path,
        root: Path,
        workers: int = 2,
        *,
        scratch: Path | None = None,
    ) -> None:
        """`scratch`: where the workers unpack and cache (a folder made and removed in it); the
        system's temporary folder where not given."""
        self._temp = tempfile.TemporaryDirectory(prefix="huifang-", dir=scratch)
        self._launch = Launch(
            python.absolute(), model.absolute(), root.absolute(), Path(self._temp.name)
        )
        self._count = workers
        self._idle: deque[Worker] = deque()
        self._freed = asyncio.Semaphore(0)  # as many as there are idle ones
        self._workers: set[Worker] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._complete = asyncio.Event()

    async def start(self) -> None:
        """Start the workers and wait until all can answer (some 10 s). Raises ConfigError."""
        if not self._launch.model.exists():
            raise ConfigError(f"no dialogue model at {self._launch.model}; run: make model")
        if not tarfile.is_tarfile(self._launch.model):
            raise ConfigError(f"{self._launch.model} is not a Rasa model; run: make model")
        opened = await asyncio.gather(
            *(self._open() for _ in range(self._count)), return_exceptions=True
        )
        for result in opened:
            if isinstance(result, BaseException):
                await self.close()
                if isinstance(result, ConfigError):
                    raise result
                raise ConfigError(f"the dialogue worker did not start: {result}") from result
            self._in_background(self._keep(result))

    async def close(self) -> None:
        """End all workers. Safe to call twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self._workers))
        self._workers.clear()
        self._temp.cleanup()

    async def begin(self, start: Start) -> Moved:
        """The opening of a conversation. Raises DialogueUnavailable."""
        return await self._moved({"op": "start", "start": asdict(start)})

    async def turn(self, turn: Turn) -> Moved:
        """One turn; the state of the answer belongs to the next. Raises DialogueUnavailable."""
        bounded = replace(turn, text=turn.text[:MAX_TEXT])
        return await self._moved({"op": "turn", "turn": asdict(bounded)})

    async def parse(self, text: str, expect: Answer | None = None) -> Meaning:
        """What `text` means as an answer to a question that hopes for `expect`, without a
        conversation. Raises DialogueUnavailable."""
        reply = await self._call({"op": "parse", "text": text[:MAX_TEXT], "expect": expect})
        try:
            return meaning_from_json(reply["meaning"])
        except (BadLine, KeyError) as error:
            raise DialogueUnavailable("a dialogue worker sent what is no answer") from error

    def health(self) -> dict[str, int]:
        """How many workers live, and how many of them are free."""
        alive = [worker for worker in self._workers if worker.alive]
        return {"wanted": self._count, "alive": len(alive), "free": len(self._idle)}

    @property
    def free_pids(self) -> tuple[int, ...]:
        """Of the workers that are free, the next to be asked first."""
        return tuple(worker.pid for worker in self._idle if worker.alive)

    async def complete(self) -> None:
        """Wait until every worker that ended has been replaced."""
        await self._complete.wait()

    # -- one request

    async def _moved(self, request: Mapping[str, Any]) -> Moved:
        reply = await self._call(request)
        try:
            return moved_from_json(reply["moved"])
        except (BadLine, KeyError) as error:
            raise DialogueUnavailable("a dialogue worker sent what is no answer") from error

    async def _call(self, request: Mapping[str, Any]) -> dict[str, Any]:
        for attempt in range(1, ATTEMPTS + 1):
            worker = await self._free()
            asking = asyncio.create_task(worker.ask(request))
            try:
                async with asyncio.timeout(TURN_S):
                    return await asyncio.shield(asking)
            except (WorkerLost, TimeoutError) as error:
                log.warning(
                    "dialogue.replayed", attempt=attempt, pid=worker.pid, why=type(error).__name__
                )
            except BadLine as error:
                raise DialogueUnavailable(f"the turn cannot be sent: {error}") from error
            except WorkerRefused as error:
                # The same turn fails the same way on any worker.
                raise DialogueUnavailable(f"the dialogue refused the turn: {error}") from error
            finally:
                self._give_back(worker, asking)
        raise DialogueUnavailable(f"no dialogue worker answered in {ATTEMPTS} attempts")

    async def _free(self) -> Worker:
        try:
            async with asyncio.timeout(FREE_S):
                while True:
                    await self._freed.acquire()
                    if (worker := self._idle.popleft()).alive:
                        return worker
        except TimeoutError:
            raise DialogueUnavailable("no dialogue worker is free") from None

    def _give_back(self, worker: Worker, asking: asyncio.Task[dict[str, Any]]) -> None:
        if not asking.done():
            # Late, or nobody waits any more; either way it must finish before it is used again.
            self._in_background(self._settle(worker, asking))
        elif worker.alive and not isinstance(asking.exception(), WorkerLost):
            self._set_free(worker)
        else:
            worker.kill()

    def _set_free(self, worker: Worker) -> None:
        self._idle.append(worker)
        self._freed.release()

    async def _settle(self, worker: Worker, asking: asyncio.Task[dict[str, Any]]) -> None:
        await asyncio.wait({asking}, timeout=LATE_S)
        if not asking.done():
            log.error("dialogue.worker_stuck", pid=worker.pid)
            worker.kill()
            await asyncio.wait({asking})
        self._give_back(worker, asking)

    # -- workers come and go

    async def _open(self) -> Worker:
        worker = await Worker.launch(self._launch)
        self._workers.add(worker)
        try:
            async with asyncio.timeout(START_S):
                await worker.ready()
        except (WorkerLost, TimeoutError, asyncio.CancelledError):
            worker.kill()
            self._workers.discard(worker)
            await worker.stop()
            raise
        log.info("dialogue.worker_ready", pid=worker.pid, seconds=worker.info.get("s"))
        self._set_free(worker)
        if len(self._workers) == self._count:
            self._complete.set()
        return worker

    async def _keep(self, worker: Worker) -> None:
        """Replace this worker whenever it ends, for as long as the dialogue is open."""
        pause = PAUSE_S
        while True:
            status = await worker.ended()
            self._workers.discard(worker)
            self._complete.clear()
            log.warning("dialogue.worker_ended", pid=worker.pid, status=status)
            await worker.stop()
            while True:
                try:
                    worker = await self._open()
                    pause = PAUSE_S
                    break
                except (WorkerLost, TimeoutError, ConfigError) as error:
                    log.error("dialogue.worker_failed", why=str(error)[:200], retry_s=pause)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, MAX_PAUSE_S)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
