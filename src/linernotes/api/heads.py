"""``HEAD``: answered as ``GET`` would be, without the body, on every route that has a ``GET``.

Source: RFC 9110, sections 9.3.2 and 14.2: a range is asked for by ``GET`` alone, elsewhere it is left aside.
"""

from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Heads"]


class _AnsweredError(Exception):
    """The head is out: whoever would send more, a file or events without end, need not begin."""


class Heads:
    """Asks the application for ``GET`` where a client asks for ``HEAD``, and stops it before the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give on what is asked, or its head."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def head(message: Message) -> None:
            await send(message)
            await send({"type": "http.response.body"})
            raise _AnsweredError

        headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
        with suppress(_AnsweredError):
            await self._app({**scope, "method": "GET", "headers": headers}, receive, head)
