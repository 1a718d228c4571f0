"""The outermost ring: which host is meant, how much may come in and how slowly, what browsers may do with answers."""

import asyncio
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from linernotes.api.problems import HttpProblem, problem
from linernotes.api.settings import Settings

__all__ = ["ALBUM_PATHS", "UPLOAD_PATHS", "Edge"]

UPLOAD_PATHS = (
    "/v1/traces",
    "/v1/catalogue/imports",
    "/v1/usage/imports",
    "/trace",
    "/catalogue/import",
    "/money/usage",
)
"""Where files come in, and the limits are those of uploads."""

ALBUM_PATHS = ("/v1/masters", "/masters")
"""Where whole albums come in: so many uploads at once."""

_CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Edge:
    """Guards the application; it knows no accounts."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, within its limits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._harden(MutableHeaders(scope=message))
            await send(message)

        headers = Headers(scope=scope)
        most, time_s = self._limits(scope["path"])
        announced = headers.get("content-length", "0")
        if not _is_meant(headers.get("host", ""), self._settings.host_names):
            await problem(421, "host", "this server does not answer to that name")(scope, receive, guarded)
        elif not (announced.isascii() and announced.isdecimal()):
            await problem(400, "content_length", "Content-Length is not a number")(scope, receive, guarded)
        elif int(announced) > most:
            refusal = _too_large(most)
            await problem(413, refusal.code, refusal.detail, headers=refusal.headers)(scope, receive, guarded)
        else:
            await self._app(scope, _Bounded(receive, most, time_s), guarded)

    def _limits(self, path: str) -> tuple[int, float]:
        settings = self._settings
        if path.rstrip("/") in ALBUM_PATHS:
            return settings.album_bytes_max, settings.album_time_s
        if path.rstrip("/") in UPLOAD_PATHS:
            return settings.upload_bytes_max, settings.upload_time_s
        return settings.body_bytes_max, settings.body_time_s

    def _harden(self, headers: MutableHeaders) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("Cache-Control", "no-store")
        if self._settings.is_secure:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")


class _Bounded:
    """Gives on what comes in, until it is too much, or has taken too long in all."""

    def __init__(self, receive: Receive, most: int, time_s: float) -> None:
        self._receive, self._left, self._most, self._time_s = receive, most, most, time_s
        self._until = asyncio.get_running_loop().time() + time_s
        self._whole = False

    async def __call__(self) -> Message:
        if self._whole:  # what comes now is that the client has gone, whenever that is
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            told = f"the request took longer than {self._time_s:g} s to come in"
            raise HttpProblem(408, "too_slow", told, headers={"Connection": "close"}) from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _too_large(self._most)
        self._whole = not message.get("more_body", False)
        return message


def _too_large(most: int) -> HttpProblem:
    return HttpProblem(413, "too_large", f"more than {most} bytes", headers={"Connection": "close"})


def _is_meant(host: str, names: Sequence[str]) -> bool:
    """Tell whether a Host header is ours: a page elsewhere may have its name point here, and then ask as itself."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return not names or name.lower() in names
