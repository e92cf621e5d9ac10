"""What every request passes: who may talk to us, what a browser may do with our pages, what is
logged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# Nothing from elsewhere, nothing inline, no frame around us. `blob:` is the read-aloud sound.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "media-src blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": browsers then send `Origin: null` with our own login form.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Server": "huifang",
}
HSTS = "max-age=31536000"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def same_site(host: str, origin: str | None, origins: frozenset[str] | None) -> bool:
    """May a page of `origin` talk to us under the name `host`?

    `origins` are our own, e.g. https://huifang.example.com. None means a loopback address on any
    port: names that merely resolve to loopback are refused (DNS rebinding). `origin` None skips
    the comparison, for requests that change nothing.
    """
    if origins is not None:
        if host not in {urlsplit(ours).netloc for ours in origins}:
            return False
        return origin is None or origin in origins
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name in LOOPBACK and origin in (None, f"http://{host}")


def guard(origins: frozenset[str] | None) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Middleware: refuses foreign hosts, WebSockets and forms of other origins, and keeps the
    details of a failure to ourselves."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        changes = (
            request.method != "GET" or "upgrade" in request.headers.get("Connection", "").lower()
        )
        # A browser always names the origin of a WebSocket and of a form.
        origin = request.headers.get("Origin", "") if changes else None
        if not same_site(request.host, origin, origins):
            log.warning("web.refused", route=route_of(request))
            raise web.HTTPForbidden(text="不允许从这个地址访问。")
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception as error:
            log.error("web.failed", route=route_of(request), error=type(error).__name__)
            raise web.HTTPInternalServerError(text="系统暂时无法完成，请稍后再试。") from None

    return check


def headers(https: bool) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Signal handler: the security headers on every response, errors and files included."""

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(HEADERS)
        static = request.path.startswith("/static/")
        response.headers["Cache-Control"] = "no-cache" if static else "no-store"
        if https:
            response.headers["Strict-Transport-Security"] = HSTS

    return add


def route_of(request: web.BaseRequest) -> str:
    """The pattern that matched, e.g. /console/ws: never what the browser put into the URL."""
    if isinstance(request, web.Request) and request.match_info.route.resource is not None:
        return request.match_info.route.resource.canonical
    return "unknown"


class AccessLog(AbstractAccessLogger):
    """Method, route, status and time. No query string, no address, no user agent."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        log.info(
            "web.request",
            method=request.method,
            route=route_of(request),
            status=response.status,
            ms=round(time * 1000),
        )
