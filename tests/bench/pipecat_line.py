"""AudioSocket for pipecat, in pipecat's own environment: 8 kHz at the wire, paced like a telephone.

As its telephony serializers do, sound comes in resampled to the rate of the pipeline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from pipecat.audio.utils import create_stream_resampler
from pipecat.frames.frames import InputAudioRawFrame, OutputAudioRawFrame, StartFrame
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import BaseTransport, TransportParams

from voice import audiosocket
from voice.audiosocket import Bye, Decoder, Hello
from voice.frames import FRAME_BYTES, FRAME_MS, PHONE_RATE
from voice.media import Audio, Digit


class Incoming(BaseInputTransport):
    """What the caller says."""

    def __init__(
        self,
        params: TransportParams,
        reader: asyncio.StreamReader,
        decoder: Decoder,
        on_digit: Callable[[], Awaitable[None]],
        on_hangup: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(params)
        self.frames = 0  # of 20 ms, so far: the time of the line
        self._reader, self._decoder = reader, decoder
        self._on_digit, self._on_hangup = on_digit, on_hangup

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._receiving = self.create_task(self._receive())

    async def cleanup(self) -> None:
        await self.cancel_task(self._receiving)
        await super().cleanup()

    async def _receive(self) -> None:
        resampler = create_stream_resampler()
        while data := await self._reader.read(65536):
            for message in self._decoder.feed(data):
                match message:
                    case Audio(pcm):
                        self.frames += 1
                        sound = await resampler.resample(pcm, PHONE_RATE, self.sample_rate)
                        await self.push_audio_frame(
                            InputAudioRawFrame(sound, self.sample_rate, num_channels=1)
                        )
                    case Digit():
                        await self._on_digit()
                    case Bye():
                        break
        await self._on_hangup()


class Outgoing(BaseOutputTransport):
    """What the bot says, in frames of 20 ms at the pace of sound."""

    def __init__(self, params: TransportParams, writer: asyncio.StreamWriter) -> None:
        super().__init__(params)
        self._writer = writer
        self._due = 0.0

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        for at in range(0, len(frame.audio), FRAME_BYTES):
            now = time.monotonic()
            self._due = max(self._due, now)
            await asyncio.sleep(self._due - now)
            self._due += FRAME_MS / 1000
            if self._writer.is_closing():
                return False
            self._writer.write(audiosocket.encode_audio(frame.audio[at : at + FRAME_BYTES]))
        return True


class Line(BaseTransport):
    """One call: both halves."""

    def __init__(self, heard: Incoming, spoken: Outgoing) -> None:
        super().__init__()
        self._heard, self._spoken = heard, spoken

    def input(self) -> Incoming:
        return self._heard

    def output(self) -> Outgoing:
        return self._spoken


async def hello(reader: asyncio.StreamReader, decoder: Decoder) -> str:
    """The UUID that a call begins with. Raises EOFError where it does not."""
    while data := await reader.read(19):  # no more than that one message
        for message in decoder.feed(data):
            if isinstance(message, Hello):
                return str(message.uuid)
    raise EOFError("a call without its UUID")
