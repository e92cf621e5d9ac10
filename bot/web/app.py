"""The web application: routes, pages, limits."""

from __future__ import annotations

from html import escape
from pathlib import Path

from aiohttp import web

from bot.web import security
from bot.web.auth import Doorkeeper
from bot.web.chat import ChatSockets
from bot.web.console import Console
from bot.web.desk import Desk
from bot.web.sockets import Sockets, close_all, sockets

PAGES = Path(__file__).parent / "pages"
STATIC = Path(__file__).parent / "static"
MAX_BODY = 16 * 1024  # bytes; the only body is the login form


def make_app(
    desk: Desk,
    *,
    console_secret: str,
    company: str,
    hotline: str,
    origins: frozenset[str] | None = None,
    https: bool = False,
) -> web.Application:
    """The application to run on the web port.

    `origins`: the addresses browsers use, e.g. {"https://huifang.example.com"}; None = loopback.
    `https`: browsers reach us by HTTPS (a proxy ends it): cookies are Secure, HSTS is sent.
    Raises ValueError for a console secret shorter than 8 characters.
    """

    def page(name: str) -> str:
        text = (PAGES / name).read_text("utf-8")
        return text.replace("{{company}}", escape(company)).replace("{{hotline}}", escape(hotline))

    chat_page = page("chat.html")
    console = Console(
        desk,
        Doorkeeper(console_secret),
        page=page("console.html"),
        login_page=page("login.html"),
        https=https,
    )

    async def show_chat(_: web.Request) -> web.Response:
        return web.Response(text=chat_page, content_type="text/html")

    async def to_chat(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/chat"})

    app = web.Application(middlewares=[security.guard(origins)], client_max_size=MAX_BODY)
    app[sockets] = Sockets()
    app.on_response_prepare.append(security.headers(https))
    app.on_shutdown.append(close_all)
    app.router.add_get("/", to_chat)
    app.router.add_get("/chat", show_chat)
    app.router.add_get("/chat/ws", ChatSockets(desk).handle)
    app.router.add_get("/console", console.page)
    app.router.add_post("/console/login", console.login)
    app.router.add_post("/console/logout", console.logout)
    app.router.add_get("/console/ws", console.socket)
    app.router.add_static("/static/", STATIC)
    return app


def make_runner(app: web.Application) -> web.AppRunner:
    """A runner whose access log keeps what people put into URLs out."""
    return web.AppRunner(app, access_log_class=security.AccessLog, shutdown_timeout=5.0)
