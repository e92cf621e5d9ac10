"""Everything that runs, in one place: opened in order, closed in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from bot import doors, membership, parts
from bot.callbacks import Callbacks, Conversations
from bot.dialogue.client import Dialogue
from bot.errors import ConfigError
from bot.evidence.ledger import Event
from bot.humans.agent_phones import AgentPhones
from bot.humans.handoff import HumanDesk
from bot.metrics import Metrics
from bot.phone import telephony
from bot.phone.dialer import Dialer
from bot.phone.switchboard import Switchboard
from bot.records.recovery import recover_all, recover_orphans
from bot.records.sealing import Sealer, SealingTask
from bot.rehearsal import Rehearsal
from bot.settings import Settings
from bot.store import Store
from bot.watchdog import Watchdog
from bot.web.app import make_runner
from voice.listening import speechlike
from voice.listening.pool import RecogniserPool
from voice.listening.protocols import Recogniser
from voice.pacing import Pacer
from voice.pbx import Dialplan, Pbx
from voice.pbx_events import PbxEvent
from voice.speaking import Speaker

log = structlog.get_logger()


class Listeners(list[Callable[[Event], None]]):
    """Who is told of each committed event."""

    def tell(self, event: Event) -> None:
        for listener in tuple(self):
            try:
                listener(event)
            except Exception:  # whoever looks on may not disturb a call
                log.exception("house.listener_failed", kind=event.kind)


@dataclass
class House:
    """A running bot."""

    settings: Settings
    store: Store
    callbacks: Callbacks
    switchboard: Switchboard
    desk: HumanDesk
    dialogue: Dialogue
    speaker: Speaker
    audiosocket_port: int
    telephony_port: int
    web_port: int
    console_secret: str
    listeners: Listeners
    pbx: Pbx | None
    wideband_port: int | None
    rehearsal: Rehearsal

    def url(self, path: str) -> str:
        here = f"http://{self.settings.host}:{self.web_port}"
        return (self.settings.pages_url if self.settings.public_url else here) + path


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[House]:
    """Raises ConfigError or VoiceError when a part is missing or a port is taken."""
    _make_folders(settings)
    async with AsyncExitStack() as stack:
        bot = stack.enter_context(membership.joined(settings.data))
        store = await asyncio.to_thread(Store.open, settings.database_url, settings.key_folder)
        stack.callback(store.close)
        dialogue, speaker, recogniser = await _open_models(stack, settings)
        metrics = Metrics()
        pool = RecogniserPool(
            recogniser, settings.listen_threads, on_depth=metrics.listening_queue.set
        )
        stack.push_async_callback(pool.close)
        pacer = Pacer()
        stack.push_async_callback(pacer.close)
        listeners = Listeners([metrics.on_event])
        callbacks = Callbacks(settings, store, on_event=listeners.tell, bot=bot)
        await asyncio.to_thread(store.sharing.beat, bot)
        await asyncio.to_thread(recover_all, callbacks, settings.audio_folder)
        look_after = partial(recover_orphans, callbacks, settings.audio_folder)
        _begin(stack, membership.live(store.sharing, bot, look_after), "membership")
        conversations = Conversations(callbacks, dialogue)
        desk = HumanDesk(conversations, speaker)
        listeners.append(desk.on_event)
        _begin(stack, store.sharing.follow(desk.changed), "notices")
        await _keep_sealed(stack, await asyncio.to_thread(Sealer, store, settings), listeners)
        switchboard = Switchboard(
            conversations,
            pool,
            speaker,
            pacer,
            audio_folder=settings.audio_folder,
            max_calls=settings.max_calls,
        )
        rehearsal = Rehearsal(callbacks, speaker)
        _begin(stack, rehearsal.run(), "rehearsal")
        pbx = await _open_exchange(stack, settings, callbacks, switchboard, desk, rehearsal)
        audiosocket = await doors.open_audiosocket(stack, settings, switchboard)
        wideband = await doors.open_wideband(stack, settings, switchboard)
        metrics.watch_line(pacer, lambda: audiosocket.refused)
        questions = telephony.make_runner(telephony.make_app(switchboard, metrics))
        telephony_port = await stack.enter_async_context(
            doors.served(questions, settings.host, settings.telephony_port)
        )
        secret = doors.console_secret(settings.data)
        stack.push_async_callback(desk.close)  # once the pages' sockets are closed
        pages = make_runner(doors.pages(settings, desk, secret))
        web_port = await stack.enter_async_context(
            doors.served(pages, settings.host, settings.web_port)
        )
        log.info("house.open", web=web_port, telephony=telephony_port, audio=audiosocket.port)
        yield House(
            settings, store, callbacks, switchboard, desk, dialogue, speaker,
            audiosocket.port, telephony_port, web_port, secret, listeners, pbx, wideband, rehearsal,
        )  # fmt: skip


def _make_folders(settings: Settings) -> None:
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.audio_folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{settings.data} cannot be written: {error.strerror}") from error


def _begin(stack: AsyncExitStack, job: Coroutine[Any, Any, None], name: str) -> None:
    """A task that lasts as long as the house."""
    stack.callback(asyncio.create_task(job, name=name).cancel)


async def _open_models(
    stack: AsyncExitStack, settings: Settings
) -> tuple[Dialogue, Speaker, Recogniser]:
    """What takes seconds to load, all at once."""
    dialogue, speaker = parts.open_dialogue(settings), parts.open_voice(settings)
    stack.push_async_callback(dialogue.close)
    stack.push_async_callback(speaker.close)
    recogniser, *_ = await asyncio.gather(
        asyncio.to_thread(parts.open_recogniser, settings),
        dialogue.start(),
        speaker.start(),
        asyncio.to_thread(speechlike.shared),  # or the first call would wait for it
    )
    return dialogue, speaker, recogniser


async def _open_exchange(
    stack: AsyncExitStack,
    settings: Settings,
    callbacks: Callbacks,
    switchboard: Switchboard,
    desk: HumanDesk,
    rehearsal: Rehearsal,
) -> Pbx | None:
    """The manager connection with what depends on it; none where no secret was given. A manager
    that is not there now is waited for."""
    secret = settings.manager_secret()
    if secret is None:
        return None
    heard: list[Callable[[PbxEvent], None]] = [switchboard.on_pbx]

    def on_event(event: PbxEvent) -> None:
        for listener in heard:
            listener(event)

    pbx = Pbx(
        settings.ami_host,
        settings.ami_port,
        user=settings.ami_user,
        secret=secret,
        dialplan=Dialplan(
            channel=settings.dial_channel,
            outbound=settings.dial_context,
            human=settings.human_context,
            caller_id=settings.caller_id,
            ring_s=settings.ring_s,
        ),
        on_event=on_event,
    )
    dialer = Dialer(callbacks, switchboard, pbx, rehearsal)
    agents = AgentPhones(switchboard, desk, pbx if settings.record_humans else None)
    heard += [dialer.on_pbx, agents.on_pbx]
    switchboard.transfers = pbx
    await stack.enter_async_context(pbx)
    stack.push_async_callback(agents.close)
    stack.push_async_callback(dialer.close)
    _begin(stack, dialer.run(), "dialer")
    return pbx


async def _keep_sealed(stack: AsyncExitStack, sealer: Sealer, listeners: Listeners) -> None:
    sealing = SealingTask(sealer)
    listeners.append(sealing.on_event)
    task = asyncio.create_task(sealing.run(), name="sealing")

    async def end() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await sealing.idle()

    stack.push_async_callback(end)


async def serve_forever(settings: Settings) -> None:
    """Until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sig in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(sig, stop.set)
    async with running(settings) as house, Watchdog():
        print(f"chat     {house.url('/chat')}  (links: huifang link POLICY)")
        print(f"console  {house.url('/console')}  (secret: {settings.data / 'console.secret'})")
        print(f"phone    AudioSocket {settings.host}:{house.audiosocket_port}", flush=True)
        house.rehearsal.everyone()
        await stop.wait()
