"""`huifang line check`: is the exchange set up so that calls will work? Tried on the running one.

A telephone inside the exchange (context huifang-check) is called through the bot's own part of the
dialplan, with a port of ours in the bot's place: what we send must come back, and its key must
arrive. No policyholder and no agent is disturbed, and the bot may run beside it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from uuid import uuid4

import numpy as np

from bot.cli.doctor import Finding
from bot.errors import ConfigError
from bot.settings import Settings
from voice.ami_client import AmiRefused, AmiUnavailable
from voice.audiosocket_connection import AudioSocketConnection
from voice.audiosocket_server import AudioSocketServer
from voice.frames import FRAME_BYTES, PHONE_RATE, SILENCE
from voice.media import Audio
from voice.pacing import Pacer
from voice.pbx import Dialplan, Pbx
from voice.pbx_events import KeyUp, PbxEvent

LOGIN_S = 3.0
CALL_S = 12.0
TONE_HZ = 1000
TONE_LEVEL = 8000.0  # peak, of 32768
KEY = "5"  # that extensions.conf sends
CONTEXTS = ("huifang-in", "huifang-bot", "huifang-human", "huifang-ask", "huifang-check")
MODULES = ("app_audiosocket", "func_curl", "app_queue", "func_uuid", "func_jitterbuffer")


async def check(settings: Settings) -> AsyncIterator[Finding]:
    """One finding after the other; stops where nothing more can be tried."""
    try:
        secret = settings.manager_secret()
    except ConfigError as error:
        yield Finding("manager", False, str(error))
        return
    if secret is None:
        file = settings.data / "ami.secret"
        yield Finding(
            "manager", False, f"no secret; write that of voice/asterisk/manager.conf into {file}"
        )
        return
    keys: list[KeyUp] = []

    def on_event(event: PbxEvent) -> None:
        if isinstance(event, KeyUp):
            keys.append(event)

    pbx = Pbx(
        settings.ami_host, settings.ami_port, user=settings.ami_user, secret=secret,
        dialplan=Dialplan(channel="Local/s@huifang-check/n", outbound="huifang-bot,s,1"),
        on_event=on_event,
    )  # fmt: skip
    async with pbx:
        if not await pbx.client.wait_up(LOGIN_S):
            yield Finding("manager", False, _manager(settings, pbx.client.refusal))
            return
        yield Finding("manager", True, f"logged in as {settings.ami_user}, {await _version(pbx)}")
        async for finding in _parts(pbx, settings):
            yield finding
        async for finding in _call(pbx, keys):
            yield finding


def _manager(settings: Settings, why: str) -> str:
    where = f"{settings.ami_host}:{settings.ami_port}"
    if "refused" in why:
        return f"{where}: {why}; compare user and secret with manager.conf"
    return f"{where}: {why or 'no answer'}; is Asterisk running, and enabled=yes in manager.conf?"


async def _version(pbx: Pbx) -> str:
    settings = await pbx.client.action("CoreSettings")
    return f"Asterisk {settings.get('AsteriskVersion')}"


async def _parts(pbx: Pbx, settings: Settings) -> AsyncIterator[Finding]:
    """Modules, dialplan, queue, and whether the exchange reaches the bot."""
    for module in MODULES:
        try:
            await pbx.client.action("ModuleCheck", Module=f"{module}.so")
        except AmiRefused:
            yield Finding(f"module {module}", False, f"load it: module load {module}.so")
    contexts = {settings.dial_context.split(",")[0], settings.human_context.split(",")[0]}
    if dialled := re.fullmatch(r"Local/[^@]*@([^/]+)(/n)?", settings.dial_channel):
        contexts.add(dialled[1])
    for context in (*CONTEXTS, *sorted(contexts - set(CONTEXTS))):
        try:
            await pbx.client.listing("ShowDialPlan", Context=context)
        except AmiRefused:
            hint = "#include huifang/extensions.conf, then: dialplan reload"
            yield Finding(f"dialplan {context}", False, f"there is no such context; {hint}")
    members = await _members(pbx)
    detail = f"{members} members" if members else "nobody is a member; see queues.conf"
    yield Finding("human queue", members > 0, detail)
    url = f"http://{settings.host}:{settings.telephony_port}/health"
    answer = await pbx.client.action("Getvar", timeout_s=6.0, Variable=f"CURL({url})")
    seen = '"calls"' in answer.get("Value")
    yield Finding(
        "bot from exchange", seen, f"{url} answers" if seen else f"{url} does not; huifang serve"
    )


async def _members(pbx: Pbx) -> int:
    try:
        name = (await pbx.client.action("Getvar", Variable="HUIFANG_QUEUE")).get("Value")
        shown = await pbx.client.listing("QueueStatus", Queue=name or "huifang")
    except AmiRefused:
        return 0
    return sum(message.event == "QueueMember" for message in shown)


class _Ear:
    """Takes the bot's place on one call: sends a tone, keeps what comes back."""

    def __init__(self) -> None:
        self.connected = False
        self.satisfied = asyncio.Event()  # echo and key are here
        self.heard = bytearray()
        self.digits: list[str] = []
        self.echo = False
        self._phase = 0
        self._connection: AudioSocketConnection | None = None

    async def on_call(self, _uuid: str, connection: AudioSocketConnection) -> None:
        self._connection = connection
        self.connected = True
        async for message in connection:
            if not isinstance(message, Audio):
                self.digits.append(message.digit)
            else:
                self.heard += message.pcm
                self.echo = self.echo or _tone_level(message.pcm) > TONE_LEVEL / 20
            if self.echo and self.digits:
                self.satisfied.set()

    def tick(self) -> None:
        if self._connection is None:
            return
        at = np.arange(self._phase, self._phase + FRAME_BYTES // 2)
        self._phase += FRAME_BYTES // 2
        wave = TONE_LEVEL * np.sin(2 * np.pi * TONE_HZ * at / PHONE_RATE)
        self._connection.send_frame(wave.astype("<i2").tobytes())

    def hear(self) -> None:
        """`on_call` hears."""

    def skip(self) -> None:
        """Nothing is owed to a tone."""

    def fail(self, _error: Exception, /) -> None:
        self._connection = None


async def _call(pbx: Pbx, keys: list[KeyUp]) -> AsyncIterator[Finding]:
    """A call inside the exchange: sound both ways and a key. A key that only the manager reports
    costs the whole `CALL_S`."""
    call, ear = str(uuid4()), _Ear()
    server = AudioSocketServer(lambda uuid: uuid == call, ear.on_call, port=0)
    await server.start()
    pacer = Pacer()
    pacer.add(ear)
    try:
        place = {"HUIFANG_AUDIO": f"127.0.0.1:{server.port}"}
        await pbx.dial(call, "0", **place)
        async with asyncio.timeout(CALL_S):
            await ear.satisfied.wait()
    except TimeoutError:
        pass
    except (AmiRefused, AmiUnavailable) as error:
        yield Finding("test call", False, str(error))
        return
    finally:
        await pbx.hang_up(call)  # not by closing the line: the dialplan would look for a human
        await pacer.close()
        await server.close(grace_s=1.0)
    if not ear.connected:
        yield Finding(
            "test call", False, "the exchange did not connect to AudioSocket; see its log"
        )
        return
    yield Finding("sound to the bot", bool(ear.heard), f"{len(ear.heard) // FRAME_BYTES} frames")
    detail = "our tone came back" if ear.echo else "our tone did not come back; see its log"
    yield Finding("sound from the bot", ear.echo, detail)
    media, manager = KEY in ear.digits, any(key.digit == KEY for key in keys)
    if media or manager:
        by = " and ".join(n for n, ok in (("AudioSocket", media), ("manager", manager)) if ok)
        yield Finding("keys", True, f"reported by {by}")
    else:
        yield Finding("keys", False, "no key arrived; before 22.4 AudioSocket reports none")


def _tone_level(pcm: bytes) -> float:
    """Amplitude of our tone in s16le sound (Goertzel, one bin)."""
    samples = np.frombuffer(pcm or SILENCE, dtype="<i2").astype(np.float64)
    at = np.arange(len(samples))
    spectrum = np.sum(samples * np.exp(-2j * np.pi * TONE_HZ * at / PHONE_RATE))
    return float(2 * abs(spectrum) / max(1, len(samples)))
