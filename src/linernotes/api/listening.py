"""Listening: the application on a socket, with bounds on what a client may keep open."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import anyio.to_thread
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["server_of"]

_HEAD_S = 10.0
_HEAD_BYTES_MAX = 64 << 10
_CONNECTIONS_MAX = 500
_GRACE_S = 5
_THREADS = 12  # a database's pool has fifteen connections


class _PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 that waits for a request's head only so long, and takes so much of it: else it would wait for good."""

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_timer is not None:
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES_MAX:
                self.send_400_response("The head of the request is too large.")

    def on_headers_complete(self) -> None:
        self._stop()  # how the rest comes in is the application's to bound
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        self._stop()
        if not self.transport.is_closing():
            self._start()
        super().on_response_complete()

    def _start(self) -> None:
        self._head_timer, self._head_bytes = self.loop.call_later(_HEAD_S, self._cut), 0

    def _stop(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _cut(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()


class _Server(uvicorn.Server):
    """A server with few threads, so that its loop does not wait for many."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
        await super().startup(sockets=sockets)


def server_of(
    app: ASGIApp, host: str, port: int, *, tls: tuple[Path | None, Path | None] = (None, None)
) -> uvicorn.Server:
    """Return a server of an application, ready to run until its process is told to stop."""
    certificate, key = tls
    secure: dict[str, Any] = {} if certificate is None else {"ssl_certfile": str(certificate)}
    if key is not None:
        secure["ssl_keyfile"] = str(key)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=_PatientProtocol,
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS_MAX,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=_GRACE_S,
        **secure,
    )
    return _Server(config)
