"""Everything that runs, in one place: opened in order, closed in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from aiohttp import web

from bot import membership, parts, telephony
from bot.agent_phones import AgentPhones
from bot.callbacks import Callbacks, Conversations
from bot.dialer import Dialer
from bot.dialogue.client import Dialogue
from bot.errors import ConfigError
from bot.evidence.ledger import Event
from bot.handoff import HumanDesk
from bot.metrics import Metrics
from bot.recovery import recover_all, recover_orphans
from bot.rehearsal import Rehearsal
from bot.sealing import Sealer, SealingTask
from bot.settings import Settings
from bot.store import Store
from bot.switchboard import Switchboard
from bot.watchdog import Watchdog
from bot.web.app import make_app, make_runner
from bot.web.desk import Desk
from voice.audiosocket_server import AudioSocketServer
from voice.listening import speechlike
from voice.listening.pool import RecogniserPool
from voice.pacing import Pacer
from voice.pbx import Dialplan, Pbx
from voice.pbx_events import PbxEvent
from voice.speaking import Speaker
from voice.websocket_server import WebSocketServer

log = structlog.get_logger()


Listener = Callable[[Event], None]


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
    listeners: list[Listener]
    pbx: Pbx | None
    wideband_port: int | None
    rehearsal: Rehearsal

    def url(self, path: str) -> str:
        here = f"http://{self.settings.host}:{self.web_port}"
        return (self.settings.pages_url if self.settings.public_url else here) + path


def console_secret(data: Path) -> str:
    """The console's password: made once, readable by the owner of the data folder only."""
    file = data / "console.secret"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(18) + "\n", encoding="ascii")
    return file.read_text(encoding="ascii").strip()


def pages(settings: Settings, desk: Desk, secret: str) -> web.Application:
    """The chat page and the console, for the browsers that the settings let in."""
    return make_app(
        desk,
        console_secret=secret,
        company=settings.company,
        hotline=settings.hotline,
        origins=settings.origins,
        https=settings.https,
    )


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[House]:
    """Raises ConfigError or VoiceError when a part is missing or a port is taken."""
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.audio_folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{settings.data} cannot be written: {error.strerror}") from error
    async with AsyncExitStack() as stack:
        bot = stack.enter_context(membership.joined(settings.data))
        store = await asyncio.to_thread(Store.open, settings.database_url, settings.key_folder)
        stack.callback(store.close)
        dialogue = parts.open_dialogue(settings)
        speaker = parts.open_voice(settings)
        stack.push_async_callback(dialogue.close)
        stack.push_async_callback(speaker.close)
        recogniser, *_ = await asyncio.gather(
            asyncio.to_thread(parts.open_recogniser, settings),
            dialogue.start(),
            speaker.start(),
            asyncio.to_thread(speechlike.shared),  # or the first call would wait for it
        )
        metrics = Metrics()
        pool = RecogniserPool(
            recogniser, settings.listen_threads, on_depth=metrics.listening_queue.set
        )
        stack.push_async_callback(pool.close)
        pacer = Pacer()
        stack.push_async_callback(pacer.close)

        listeners: list[Listener] = [metrics.on_event]

        def tell(event: Event) -> None:
            for listener in tuple(listeners):
                try:
                    listener(event)
                except Exception:  # whoever looks on may not disturb a call
                    log.exception("house.listener_failed", kind=event.kind)

        callbacks = Callbacks(settings, store, on_event=tell, bot=bot)
        await asyncio.to_thread(store.beat, bot)
        await asyncio.to_thread(recover_all, callbacks, settings.audio_folder)
        look_after = partial(recover_orphans, callbacks, settings.audio_folder)
        living = asyncio.create_task(membership.live(store, bot, look_after), name="membership")
        stack.callback(living.cancel)
        conversations = Conversations(callbacks, dialogue)
        desk = HumanDesk(conversations, speaker)
        listeners.append(desk.on_event)
        following = asyncio.create_task(store.follow(desk.changed), name="notices")
        stack.callback(following.cancel)
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
        rehearsing = asyncio.create_task(rehearsal.run(), name="rehearsal")
        stack.callback(rehearsing.cancel)
        pbx = await _open_exchange(stack, settings, callbacks, switchboard, desk, rehearsal)
        audiosocket = AudioSocketServer(
            switchboard.authorise,
            switchboard.on_call,
            host=settings.host,
            port=settings.audiosocket_port,
        )
        await audiosocket.start()
        stack.push_async_callback(audiosocket.close)
        wideband = await _open_wideband(stack, settings, switchboard)
        secret = console_secret(settings.data)
        metrics.watch_line(pacer, lambda: audiosocket.refused)
        exchange = telephony.make_app(switchboard, metrics)
        runner = await telephony.serve(exchange, settings.host, settings.telephony_port)
        stack.push_async_callback(runner.cleanup)
        telephony_port: int = runner.addresses[0][1]
        web_port = await _serve_pages(
            stack, pages(settings, desk, secret), settings.host, settings.web_port
        )
        stack.push_async_callback(desk.close)
        log.info("house.open", web=web_port, telephony=telephony_port, audio=audiosocket.port)
        yield House(
            settings, store, callbacks, switchboard, desk, dialogue, speaker,
            audiosocket.port, telephony_port, web_port, secret, listeners, pbx, wideband, rehearsal,
        )  # fmt: skip


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
    dialling = asyncio.create_task(dialer.run(), name="dialer")
    stack.callback(dialling.cancel)
    return pbx


async def _keep_sealed(stack: AsyncExitStack, sealer: Sealer, listeners: list[Listener]) -> None:
    sealing = SealingTask(sealer)
    listeners.append(sealing.on_event)
    task = asyncio.create_task(sealing.run(), name="sealing")

    async def end() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await sealing.idle()

    stack.push_async_callback(end)


async def _open_wideband(
    stack: AsyncExitStack, settings: Settings, switchboard: Switchboard
) -> int | None:
    """The second line, for chan_websocket. Returns its port; None where it is not wanted."""
    if settings.wideband_port is None:
        return None
    server = WebSocketServer(
        switchboard.authorise, switchboard.on_call, host=settings.host, port=settings.wideband_port
    )
    await server.start()
    stack.push_async_callback(server.close)
    return server.port


async def _serve_pages(stack: AsyncExitStack, app: web.Application, host: str, port: int) -> int:
    runner = make_runner(app)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise ConfigError(
            f"the pages cannot be served on {host}:{port}: {error.strerror}; "
            "stop the program that uses the port or choose another"
        ) from error
    bound: int = runner.addresses[0][1]
    return bound


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
