"""The speaking process: one engine, one text at a time. Run as `python -m voice.speaking.child FD`.

Only this process loads a speech runtime. A crash, a hang or a leak in one costs a restart of this
process and nothing else. It ends when the other end of its socket does.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import traceback
from typing import BinaryIO

import numpy as np

from voice.errors import ModelError
from voice.speaking import wire
from voice.speaking.engine import Engine, EngineSpec

WARM_UP = "您好。"
NICENESS = 3
"""Frames of running calls and their recognition come before sentences for later: half a share."""


def main(fd: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    with socket.socket(fileno=fd) as link, link.makefile("rb") as inbox:
        try:
            serve(link, inbox)
        except BrokenPipeError:
            return  # the parent is gone


def serve(link: socket.socket, inbox: BinaryIO) -> None:
    """Open the engine the first frame names, then speak until the parent closes the socket."""
    opening = _receive(inbox)
    if opening is None:
        return
    try:
        engine = open_engine(EngineSpec(**opening["spec"]))
        for _ in engine.speak(WARM_UP):  # dictionaries and buffers are made at the first sentence
            pass
    except Exception as error:
        link.sendall(wire.pack(_failure(error)))
        return
    ready = {"name": engine.name, "rate": engine.rate, "pace": engine.pace}
    link.sendall(wire.pack({"kind": "ready", **ready, "cpu_s": time.process_time()}))
    os.nice(NICENESS)
    while (request := _receive(inbox)) is not None:
        began = time.process_time()
        try:
            for piece in engine.speak(request["text"]):
                sound = np.ascontiguousarray(piece, dtype="<f4").tobytes()
                link.sendall(wire.pack({"kind": "sound"}, sound))
        except BrokenPipeError:
            raise
        except Exception as error:
            link.sendall(wire.pack(_failure(error)))
        else:
            link.sendall(wire.pack({"kind": "done", "cpu_s": time.process_time() - began}))


def open_engine(spec: EngineSpec) -> Engine:
    """Raises ModelError when the engine's model or system library is missing or wrong."""
    if spec.kind == "kokoro":
        from voice.speaking.kokoro import Kokoro

        return Kokoro(spec)
    if spec.kind == "sherpa":
        from voice.speaking.sherpa import Sherpa

        return Sherpa(spec)
    from voice.speaking.pyttsx3_ import Pyttsx3

    return Pyttsx3(spec)


def _receive(inbox: BinaryIO) -> wire.Message | None:
    header = inbox.read(wire.HEADER.size)
    if len(header) < wire.HEADER.size:
        return None
    body, _ = wire.lengths(header)
    return wire.message_from(inbox.read(body))


def _failure(error: Exception) -> wire.Message:
    """Say what failed and where, but nothing of the text: it may name a policyholder."""
    if isinstance(error, ModelError):
        return {"kind": "failed", "error": str(error), "model": True}
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {os.path.basename(place.filename)}:{place.lineno}"  # noqa: PTH119
    return {"kind": "failed", "error": where, "model": False}


if __name__ == "__main__":
    main(int(sys.argv[1]))
