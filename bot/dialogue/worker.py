"""A dialogue worker: Rasa in Python 3.10 behind one end of a socket pair.

Run by `bot.dialogue.client` as `python -m bot.dialogue.worker --fd N --model PATH` from the root.
Answers one request after the other, keeps nothing between them, logs nothing of what it is told,
and ends when the other end of the socket closes.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import socket
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.dialogue.protocol import MAX_LINE, Item, Start, Turn
from bot.dialogue.wire import (
    BadLine,
    decode,
    encode,
    moved_to_json,
    start_from_json,
    turn_from_json,
)

if TYPE_CHECKING:
    from bot.dialogue.worker_brain import Brain

QUIET = {
    "RASA_TELEMETRY_ENABLED": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
}


def load(model: Path) -> Brain:
    """Import Rasa (some seconds) and load the model."""
    os.environ.update(QUIET)
    from rasa.utils.log_utils import configure_structlog

    # Unconfigured, Rasa prints what people say.
    configure_structlog(logging.CRITICAL)
    logging.disable(logging.ERROR)
    from bot.dialogue.worker_brain import Brain

    return Brain(model)


async def warm_up(brain: Brain) -> None:
    """One whole turn, so that no caller waits for jieba's dictionary or for lazy imports."""
    moved = await brain.start(Start(items=(Item("B1"),)))
    await brain.turn(Turn(moved.state, text="可以，方便"))


async def answer(brain: Brain, request: dict[str, Any]) -> dict[str, Any]:
    """The reply to one request. Raises BadLine; anything else that is raised is a fault of ours."""
    match request.get("op"):
        case "start":
            start = start_from_json(request.get("start") or {})
            return {"moved": moved_to_json(await brain.start(start))}
        case "turn":
            turn = turn_from_json(request.get("turn") or {})
            return {"moved": moved_to_json(await brain.turn(turn))}
        case "parse":
            text, expect = request.get("text"), request.get("expect")
            if not isinstance(text, str) or expect not in {"yes", "no", None}:
                raise BadLine("parse needs a text, and yes, no or null expected")
            return {"meaning": asdict(await brain.parse(text, expect))}
        case "health":
            return {"health": {"model": brain.model_id, "pid": os.getpid()}}
        case _:
            raise BadLine("unknown op")


async def reply(brain: Brain, line: bytes) -> bytes:
    """Never raises: what cannot be answered is refused, and the next line gets its chance."""
    id = None
    try:
        request = decode(line)
        id = request.get("id")
        return encode({"id": id, **await answer(brain, request)})
    except BadLine as error:
        return encode({"id": id, "error": "bad_request", "message": str(error)})
    except Exception as error:
        return encode({"id": id, "error": "failed", "message": type(error).__name__})


def serve(channel: socket.socket, brain: Brain, began: float) -> None:
    """Answer until the other end closes. A line that is too long ends the worker: what follows it
    cannot be told apart from it."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(warm_up(brain))
    # What is loaded now stays: keep the collector from walking it in the middle of a turn.
    gc.collect()
    gc.freeze()
    ready = {"model": brain.model_id, "pid": os.getpid(), "s": round(time.monotonic() - began, 2)}
    with channel, channel.makefile("rb") as lines:
        channel.sendall(encode({"ready": ready}))
        while (line := lines.readline(MAX_LINE + 1)) and line.endswith(b"\n"):
            channel.sendall(loop.run_until_complete(reply(brain, line)))


def main() -> None:
    began = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="our end of the socket pair")
    parser.add_argument("--model", type=Path, required=True, help="a model made by `rasa train`")
    options = parser.parse_args()
    channel = socket.socket(fileno=options.fd)
    try:
        serve(channel, load(options.model), began)
    except (BrokenPipeError, ConnectionResetError):
        return  # the application is gone; so are we


if __name__ == "__main__":
    main()
