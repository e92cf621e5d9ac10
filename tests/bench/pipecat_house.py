"""The same dialogue built with pipecat, in pipecat's own environment, for bench_pipecat: commands
on standard input, events on standard output, as `voice_house` has them.

`python -m tests.bench.pipecat_house default|tuned SCRIPT MODEL`. The script is our bot's: the same
questions in the same order, in the very clips that our bot plays. Any text is an answer here; what
it means is not decided, nothing is recorded, and keys only count. Recognition is pipecat's own
service for faster-whisper with our model's files, int8.

default: what pipecat does unasked: Silero, smart turn, a recogniser per call, 30 s of encoder.
tuned: one recogniser for all calls with two threads, 10 s of encoder, one beam, no second try, and
the turn ends with the text that follows 200 ms of silence.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from faster_whisper import WhisperModel, transcribe
from faster_whisper.audio import pad_or_trim
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    BotStoppedSpeakingFrame,
    Frame,
    LLMContextFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    VADUserStartedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.whisper.stt import WhisperSTTService
from pipecat.transcriptions.language import Language
from pipecat.transports.base_transport import TransportParams
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner

from tests.bench.pipecat_line import Incoming, Line, Outgoing, hello
from voice.audiosocket import Decoder
from voice.frames import FRAME_MS, PHONE_RATE

WINDOW_S = 10  # of the tuned encoder, as ours
TOKENS_PER_SECOND = 16  # at most, as ours
BIRTH_DIGITS = 8
AGAIN_S = 5.0  # after a question that nobody seems to answer, it is asked again

Question = tuple[str, str, bytes]
"""Clause, item (or ""), and the sound of 8 kHz."""


class Quick:
    """faster-whisper with a short window, shared by all calls."""

    def __init__(self, model: str) -> None:
        self._model = WhisperModel(
            model, device="cpu", compute_type="int8", cpu_threads=1, num_workers=2
        )
        extractor = self._model.feature_extractor
        self._samples = extractor.n_samples = WINDOW_S * extractor.sampling_rate
        extractor.nb_max_frames = extractor.n_samples // extractor.hop_length
        # Every window is filled up to 30 s by this function, which knows no other length.
        transcribe.pad_or_trim = partial(pad_or_trim, length=extractor.nb_max_frames)

    def transcribe(self, sound: Any, language: str, **_: Any) -> Any:
        most = int(len(sound) / self._samples * WINDOW_S * TOKENS_PER_SECOND) + 8
        # Silence behind the sound: what the library fills up with is no silence, and in a short
        # window the model then repeats itself until its tokens are used up.
        padded = np.pad(sound, (0, max(0, self._samples - len(sound))))
        return self._model.transcribe(
            padded,
            language=language,
            beam_size=1,
            temperature=0.0,
            without_timestamps=True,
            max_new_tokens=most,
        )


@cache
def _shared(model: str) -> Quick:
    return Quick(model)


class SharedWhisper(WhisperSTTService):
    """Loads nothing of its own."""

    def _load(self) -> None:
        self._model = _shared(self._settings.model)


class Dialogue(FrameProcessor):
    """Stands where the language model stands: every turn of the user brings the next question."""

    def __init__(self, script: list[Question], line: Incoming, tell: Callable[..., None]) -> None:
        super().__init__()
        self._script, self._line, self._tell = script, line, tell
        self._at = -1
        self._digits = 0
        self._began: int | None = None  # ms of the line at which the user's turn began
        self._asked = 0  # … and the question
        self._again: asyncio.TimerHandle | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case LLMContextFrame():
                began, self._began = self._began, None
                now = self._line.frames * FRAME_MS
                text = str(frame.context.messages[-1].get("content", ""))
                start = now if began is None else began
                self._tell(kind="heard", via="voice", text=text, start_ms=start, end_ms=now)
                await self.next()
                return
            case VADUserStartedSpeakingFrame() if self._began is None:
                now = self._line.frames * FRAME_MS
                self._began = now - round(frame.start_secs * 1000)
                self._no_repeat()
            case BotStoppedSpeakingFrame() if direction is FrameDirection.UPSTREAM:
                clause = self._script[self._at][0]
                now = self._line.frames * FRAME_MS
                self._tell(
                    kind="played", clause=clause, complete=True, start_ms=self._asked, end_ms=now
                )
                loop = asyncio.get_running_loop()
                self._again = loop.call_later(AGAIN_S, self._repeat)
        await self.push_frame(frame, direction)

    async def digit(self) -> None:
        """A key: so many are a birth date."""
        self._digits += 1
        if self._digits % BIRTH_DIGITS == 0:
            await self.next()

    async def next(self) -> None:
        """The next question; after the last one the first again."""
        self._at = (self._at + 1) % len(self._script)
        await self._ask()

    async def _ask(self) -> None:
        self._no_repeat()
        clause, item, pcm = self._script[self._at]
        self._asked = self._line.frames * FRAME_MS
        self._tell(kind="asked", clause=clause, item=item)
        await self.push_frame(TTSStartedFrame())
        await self.push_frame(TTSAudioRawFrame(pcm, PHONE_RATE, num_channels=1))
        await self.push_frame(TTSStoppedFrame())

    def _no_repeat(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None

    def _repeat(self) -> None:
        self._began = None
        self._asking = asyncio.ensure_future(self._ask())


class House:
    """Answers calls."""

    def __init__(self, kind: str, script: list[Question], model: str) -> None:
        self._tuned, self._script, self._model = kind == "tuned", script, model
        self._placed: dict[str, str] = {}
        self._out = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)  # whatever a library prints is no event

    def tell(self, **fields: Any) -> None:
        self._out.write(json.dumps(fields) + "\n")

    def place(self, policy: str) -> None:
        callback, uuid = f"pipecat-{policy}", str(uuid4())
        self._placed[uuid] = callback
        self.tell(kind="placed", policy=policy, callback=callback, uuid=uuid)

    async def serve(self) -> None:
        if self._tuned:
            _shared(self._model)  # before the first call
        self._runner = WorkerRunner(handle_sigint=False)
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.tell(kind="open", port=server.sockets[0].getsockname()[1])
        running = asyncio.create_task(self._runner.run(auto_end=False))
        while line := await asyncio.to_thread(sys.stdin.readline):
            command = json.loads(line)
            if "call" in command:
                self.place(command["call"])
        await self._runner.cancel()
        await running
        server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = Decoder()
        callback = self._placed.pop(await hello(reader, decoder))

        async def hang_up() -> None:
            await worker.cancel()

        async def digit() -> None:
            await dialogue.digit()

        params = TransportParams(
            audio_in_enabled=True, audio_out_enabled=True, audio_out_sample_rate=PHONE_RATE
        )
        heard = Incoming(params, reader, decoder, digit, hang_up)
        line = Line(heard, Outgoing(params, writer))
        dialogue = Dialogue(
            self._script, heard, lambda **fields: self.tell(callback=callback, **fields)
        )
        service = SharedWhisper if self._tuned else WhisperSTTService
        settings = WhisperSTTService.Settings(model=self._model, language=Language.ZH)
        turns = LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
        if self._tuned:
            stop = SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=0.0)
            turns.user_turn_strategies = UserTurnStrategies(stop=[stop])
        pair = LLMContextAggregatorPair(LLMContext(), user_params=turns)
        steps = [line.input(), service(compute_type="int8", settings=settings)]
        steps += [pair.user(), dialogue, line.output(), pair.assistant()]
        worker = PipelineWorker(
            Pipeline(steps),
            params=PipelineParams(audio_out_sample_rate=PHONE_RATE),
            cancel_runner_on_idle_timeout=False,
        )

        @worker.event_handler("on_pipeline_started")
        async def begin(*_: Any) -> None:
            await dialogue.next()

        await self._runner.add_workers(worker)


async def main(kind: str, script: list[Question], model: str) -> None:
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    await House(kind, script, model).serve()


if __name__ == "__main__":
    questions = pickle.loads(Path(sys.argv[2]).read_bytes())  # written by voice_house
    asyncio.run(main(sys.argv[1], questions, sys.argv[3]))
