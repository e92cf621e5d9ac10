"""Every port that a bot listens on: its pages, the exchange's questions, the sound of calls."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from aiohttp import web

from bot.errors import ConfigError
from bot.phone.switchboard import Switchboard
from bot.settings import Settings
from bot.web.app import make_app
from bot.web.desk import Desk
from voice.audiosocket_server import AudioSocketServer
from voice.websocket_server import WebSocketServer


@asynccontextmanager
async def served(runner: web.AppRunner, host: str, port: int) -> AsyncIterator[int]:
    """Serves as long as it is open, at the port that it gives; 0 takes any free one.

    Raises ConfigError if the port is taken or the address is not ours."""
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise ConfigError(
                f"HTTP cannot listen on {host}:{port}: {error.strerror}; "
                "stop the program that uses the port or choose another (huifang serve --help)"
            ) from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


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


async def open_audiosocket(
    stack: AsyncExitStack, settings: Settings, switchboard: Switchboard
) -> AudioSocketServer:
    host, port = settings.host, settings.audiosocket_port
    server = AudioSocketServer(switchboard.authorise, switchboard.on_call, host=host, port=port)
    await server.start()
    stack.push_async_callback(server.close)
    return server


async def open_wideband(
    stack: AsyncExitStack, settings: Settings, switchboard: Switchboard
) -> int | None:
    """The second line, for chan_websocket. Returns its port; None where it is not wanted."""
    host, port = settings.host, settings.wideband_port
    if port is None:
        return None
    server = WebSocketServer(switchboard.authorise, switchboard.on_call, host=host, port=port)
    await server.start()
    stack.push_async_callback(server.close)
    return server.port
