"""A house, an exchange and telephones, all real, with a policyholder who acts by script.

The bot speaks with espeak here (nobody has to understand it, and it costs nothing); callers who
speak do so with a Kokoro voice, because the bot has to hear them.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.cli.importing import import_policies
from bot.cli.simulation import CALLER_RATE
from bot.evidence.ledger import Event
from bot.house import House, running
from bot.parts import open_voice
from bot.policies.policy import Policy
from bot.settings import ROOT, Settings
from tests.pbx.asterisk import NUMBER, PASSWORD, SECRET, Asterisk, Ports, free_ports
from tests.pbx.phones import Phone, Phones
from voice.speaking import wav

CACHE, KEYS = ROOT / "build" / "test-cache", ROOT / "build" / "test-keys"
"""Speech is rendered once, not once a run; it is sealed, so the key stays as well."""
RING_S = 8
CALLS_EACH, CALLERS = 4, 2  # telephones a process of pjsip can carry; processes
QUEUE_S = 12


@dataclass
class Stage:
    """Everything that runs, and what was committed."""

    house: House
    exchange: Asterisk
    carrier: Phones
    callers: list[Phones]
    sounds: dict[str, Path]
    folder: Path
    events: list[Event] = field(default_factory=list)
    _lines: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def on_event(self, event: Event) -> None:
        self.events.append(event)
        self._changed.set()

    def of(self, callback: str, kind: str) -> list[Event]:
        return [e for e in self.events if e.callback == callback and e.kind == kind]

    def policy(self, number: str) -> Policy:
        return self.house.store.policy(number)

    async def until(
        self, what: Callable[[], object], timeout_s: float = 30.0, why: str = ""
    ) -> None:
        """Wait for something to be committed. Raises TimeoutError saying what did not happen."""
        try:
            async with asyncio.timeout(timeout_s):
                while not what():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"not within {timeout_s} s: {why or what}") from None

    async def dial(self, number: str) -> str:
        """Have the bot call a policyholder now. Returns the callback."""
        callback = await asyncio.to_thread(self.house.callbacks.open, number, "phone")
        now = self.house.callbacks.clock.now()
        await asyncio.to_thread(self.house.store.book, callback, now)
        return callback

    def line(self) -> Phones:
        """A group of telephones with one that is free."""
        self._lines += 1
        return self.callers[(self._lines - 1) // CALLS_EACH]

    async def call_in(self, number: str, echo: float = 0.0) -> tuple[Phone, str]:
        """A policyholder calls the line. Returns the telephone and the callback."""
        policy = self.policy(number)
        seen = len(self.events)
        phone = self.line().call(policy.phone, NUMBER, echo=echo)
        await phone.wait("answered")
        await self.until(
            lambda: [e for e in self.events[seen:] if e.kind == "called" and self._is(e, number)],
            why="the bot took the call",
        )
        called = next(e for e in self.events[seen:] if e.kind == "called" and self._is(e, number))
        return phone, called.callback

    def _is(self, event: Event, number: str) -> bool:
        return self.house.store.callback(event.callback).policy_number == number


class Policyholder:
    """Answers what is asked, once it was spoken to its end: keys, sounds, or hanging up.

    `script` maps a clause to `"1"`, `"key:birth"`, `"say:NAME"`, `"hangup"` or `"0 within"`."""

    def __init__(self, stage: Stage, phone: Phone, callback: str, script: dict[str, str]) -> None:
        self._stage, self._phone, self._callback = stage, phone, callback
        self._script = script
        self._done = 0  # events of this callback dealt with

    async def play(self, timeout_s: float = 240.0) -> None:
        """Until the bot has left the call or the telephone was put down."""
        async with asyncio.timeout(timeout_s):
            while True:
                event = await self._next()
                if event is None or event.kind in {"handed_over", "closed"}:
                    return
                clause = event.body.get("clause", "")
                if event.kind == "asked" and self._script.get(clause) == "0 within":
                    await asyncio.sleep(1.0)
                    self._phone.dtmf("0")
                elif (
                    event.kind == "played"
                    and event.body["complete"]
                    and (self._open == clause or self._unheard(clause))
                    and not await self._act(self._open)
                ):
                    return

    def _unheard(self, prompt: str) -> bool:
        """The bot says that it has heard nothing: a person says it once more."""
        return prompt in {"S_1", "S_2"} and self._script.get(self._open, "").startswith("say:")

    @property
    def _open(self) -> str:
        """The clause asked last."""
        asked = self._stage.of(self._callback, "asked")
        return asked[-1].body["clause"] if asked else ""

    def _right_key(self, clause: str) -> str:
        """1 for yes; for a question about the contract the key that names the right value."""
        policy = self._stage.house.store.policy_of(self._callback)
        asked = self._stage.house.callbacks.script(policy).clauses[clause]
        return str(asked.expects.right + 1) if asked.expects else "1"

    async def _next(self) -> Event | None:
        def mine() -> list[Event]:
            return [e for e in self._stage.events if e.callback == self._callback]

        gone = asyncio.create_task(self._phone.wait("ended", 300))
        more = asyncio.create_task(
            self._stage.until(lambda: len(mine()) > self._done, 120, "anything")
        )
        await asyncio.wait({gone, more}, return_when=asyncio.FIRST_COMPLETED)
        for task in (gone, more):
            task.cancel()
        await asyncio.gather(gone, more, return_exceptions=True)
        if len(mine()) <= self._done:
            return None
        self._done += 1
        return mine()[self._done - 1]

    async def _act(self, clause: str) -> bool:
        act = self._script.get(clause) or self._right_key(clause)
        if act == "hangup":
            await self._phone.hangup()
            return False
        if act.startswith("say:"):
            await asyncio.sleep(0.3)
            await self._phone.play(self._stage.sounds[act[4:]])
        elif act == "key:birth":
            policy = self._stage.house.store.policy_of(self._callback)
            for digit in policy.birth_date.strftime("%Y%m%d"):
                self._phone.dtmf(digit)
                await asyncio.sleep(0.35)
        elif act != "0 within":
            self._phone.dtmf(act)
        return True


async def speak(settings: Settings, folder: Path, texts: dict[str, str]) -> dict[str, Path]:
    """Sounds of a policyholder or a machine, 8 kHz, by name."""
    voice = open_voice(settings, "zm_yunxi")
    await voice.start()
    sounds = {}
    try:
        for name, text in texts.items():
            clip = await voice.render(text, rate=CALLER_RATE, sample_rate=8000)
            sounds[name] = folder / f"say-{name}.wav"
            sounds[name].write_bytes(wav.encode(clip.pcm + bytes(3200), 8000))
    finally:
        await voice.close()
    return sounds


@asynccontextmanager
async def stage(folder: Path, texts: dict[str, str], **given: object) -> AsyncIterator[Stage]:
    """`given` are settings beside those the tests need."""
    ports = free_ports()
    data = folder / "data"
    data.mkdir()
    CACHE.mkdir(parents=True, exist_ok=True)
    (data / "cache").symlink_to(CACHE)
    settings = Settings(
        data=data, keys=KEYS, audiosocket_port=0, telephony_port=0, web_port=0, voice="pyttsx3",
        normal_rate=1.5, elder_rate=1.2, ami_port=ports.ami, ami_secret=SECRET, ring_s=RING_S,
        call_hours=(0, 24), dial_channel="Local/{number}@huifang-dial/n", **given,
    )  # fmt: skip
    import_policies(settings, ROOT / "examples" / "policies.csv")
    sounds = await speak(settings.model_copy(update={"voice": "auto"}), folder, texts)
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(running(settings))
        line = "websocket" if house.wideband_port else "audiosocket"
        exchange = start_exchange(
            ports, house.audiosocket_port, house.telephony_port, house.wideband_port,
            HUIFANG_LINE=line,
        )  # fmt: skip
        stack.callback(exchange.stop)
        carrier = await stack.enter_async_context(Phones(ports.trunk, ports.sip, folder))
        callers = [
            await stack.enter_async_context(phones(exchange, folder)) for _ in range(CALLERS)
        ]
        made = Stage(house, exchange, carrier, callers, sounds, folder)
        house.listeners.append(made.on_event)
        assert house.pbx is not None
        assert await house.pbx.client.wait_up(15), house.pbx.client.refusal
        yield made


def start_exchange(
    ports: Ports, audio: int, http: int, wideband: int | None = None, **more: str
) -> Asterisk:
    exchange = Asterisk(
        ports,
        wideband=wideband,
        globals={
            "HUIFANG_AUDIO": f"127.0.0.1:{audio}",
            "HUIFANG_HTTP": f"http://127.0.0.1:{http}",
            "HUIFANG_QUEUE_S": str(QUEUE_S),
            **more,
        },
    )
    exchange.start()
    return exchange


@asynccontextmanager
async def phones(exchange: Asterisk, folder: Path) -> AsyncIterator[Phones]:
    """More telephones; one process of pjsip carries four calls."""
    own = folder / f"phones-{secrets.token_hex(3)}"
    own.mkdir()
    async with Phones(free_ports().trunk, exchange.ports.sip, own) as made:
        yield made


@asynccontextmanager
async def agents(stage: Stage) -> AsyncIterator[Phones]:
    """Two agents at their telephones, who answer after 0.4 s."""
    async with phones(stage.exchange, stage.folder) as made:
        for name in ("agent1", "agent2"):
            await made.register(name, PASSWORD)
        yield made
