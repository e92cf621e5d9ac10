"""The parent's side of the speaking process: start it, talk to it, watch it, kill it.

Every await has a time-out after which the process is killed: a native library that hangs cannot be
asked to stop. Callers see `SpeechFailed` and may start a fresh one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from voice.dsp import Samples
from voice.errors import ModelError, SpeechFailed
from voice.speaking import wire
from voice.speaking.engine import EngineKind, EngineSpec

START_S: Final = 120.0
"""Loading Kokoro takes 5 CPU seconds; on a machine that is starting everything else, many more."""
PIECE_S: Final[Mapping[EngineKind, float]] = {
    "kokoro": 120.0,
    "pyttsx3": 15.0,
    "sherpa": 120.0,
}
"""Between two pieces of a text: ten times the longest piece. Of these it is espeak that hangs."""

_ROOT: Final = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Spoken:
    """One text as the engine spoke it."""

    samples: Samples
    cpu_s: float  # CPU seconds it cost, all threads


class SpeechChild:
    """One child process with one engine. Use `start`; not to be used by two tasks at once."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        piece_s: float,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._piece_s = piece_s
        self.name = ""
        self.rate = 0
        self.pace = 1.0
        self.cpu_s = 0.0

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    @classmethod
    async def start(
        cls, spec: EngineSpec, *, start_s: float = START_S, piece_s: float | None = None
    ) -> SpeechChild:
        """Start a process and wait until its engine has spoken once.

        Raises ModelError when the engine's files or system library are missing or wrong,
        SpeechFailed when the process died or took too long.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "voice.speaking.child", str(theirs.fileno())),
                    pass_fds=(theirs.fileno(),),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,  # pyttsx3 prints there
                    env={**os.environ, "PYTHONPATH": str(_ROOT)},
                )
            except OSError as error:
                ours.close()
                raise SpeechFailed(f"no speaking process: {error.strerror}") from error
        reader, writer = await asyncio.open_connection(sock=ours)
        child = cls(process, reader, writer, PIECE_S[spec.kind] if piece_s is None else piece_s)
        try:
            await child._send({"kind": "open", "spec": spec.to_json()})
            ready, _ = await child._receive(start_s)
        except BaseException:
            await child.kill()
            raise
        child.name, child.rate = str(ready["name"]), int(ready["rate"])
        child.pace, child.cpu_s = float(ready["pace"]), float(ready["cpu_s"])
        return child

    async def speak(self, text: str) -> Spoken:
        """Raises SpeechFailed; kill the process then, it may still mean to send the rest."""
        await self._send({"kind": "speak", "text": text})
        pieces: list[Samples] = []
        while True:
            message, sound = await self._receive(self._piece_s)
            if message["kind"] == "done":
                whole = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
                return Spoken(whole, float(message["cpu_s"]))
            pieces.append(np.frombuffer(sound, dtype="<f4"))

    async def kill(self) -> None:
        """End the process at once; safe to call twice."""
        self._writer.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def _send(self, message: wire.Message) -> None:
        try:
            self._writer.write(wire.pack(message))
            await self._writer.drain()
        except ConnectionError as error:
            raise SpeechFailed("the speaking process is gone") from error

    async def _receive(self, seconds: float) -> tuple[wire.Message, bytes]:
        """The next message; one that reports a failure is raised."""
        try:
            async with asyncio.timeout(seconds):
                header = await self._reader.readexactly(wire.HEADER.size)
                body, sound = wire.lengths(header)
                message = wire.message_from(await self._reader.readexactly(body))
                samples = await self._reader.readexactly(sound)
        except TimeoutError as error:
            raise SpeechFailed(f"the speaking process gave nothing for {seconds:.0f} s") from error
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise SpeechFailed("the speaking process died") from error
        except ValueError as error:
            raise SpeechFailed(f"the speaking process sent nonsense: {error}") from error
        if message["kind"] == "failed":
            kind = ModelError if message["model"] else SpeechFailed
            raise kind(str(message["error"]))
        return message, samples
