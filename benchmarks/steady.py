"""A client that asks a server at a steady rate, and takes a tenth of a millisecond for it: it shares the machine.

Conventions
-----------
Open loop: a request is due at its time, whether or not those before it are answered, and its answer is timed from
then. Requests go over kept connections; one that is due while all are busy waits for one, and that counts.
"""

import asyncio
import itertools
from collections.abc import Sequence
from urllib.parse import urlsplit

__all__ = ["Took", "asked"]

Took = dict[str, list[float]]
"""How long answers took, in seconds, by path."""

_CONNECTIONS = 64
_PATIENCE_S = 10.0


class _Connection:
    """One kept connection, opened when it is first needed."""

    def __init__(self, host: str, port: int) -> None:
        self._place = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str, token: str) -> int:
        """Ask for a path; return the status once the whole answer is here."""
        if self._streams is None or self._streams[0].at_eof():  # the server lets go of one that was idle for long
            self._streams = await asyncio.open_connection(*self._place)
        reader, writer = self._streams
        head = f"GET {path} HTTP/1.1\r\nHost: {self._place[0]}\r\nAuthorization: Bearer {token}\r\n\r\n"
        writer.write(head.encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        _, _, length = answer.partition(b"content-length:")
        await reader.readexactly(int(length.partition(b"\r\n")[0]))
        return int(answer[9:12])

    def close(self) -> None:
        """Let go of it; the next question opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def asked(address: str, tokens: Sequence[str], paths: Sequence[str], *, per_s: float, duration_s: float) -> Took:
    """Ask for all paths in turn, as each account in turn; return how long each good answer took."""
    place = urlsplit(address)
    assert place.hostname is not None
    assert place.port is not None
    idle: asyncio.LifoQueue[_Connection] = asyncio.LifoQueue()
    for _ in range(_CONNECTIONS):
        idle.put_nowait(_Connection(place.hostname, place.port))
    took: Took = {path: [] for path in paths}
    loop = asyncio.get_running_loop()

    async def one(due: float, path: str, token: str) -> None:
        connection = await idle.get()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                status = await connection.get(path, token)
            if status == 200:
                took[path].append(loop.time() - due)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            connection.close()  # not answered: it is missing from the answers
        finally:
            idle.put_nowait(connection)

    begin, asking = loop.time(), []
    turns = zip(itertools.cycle(paths), itertools.cycle(tokens), strict=False)
    for number, (path, token) in zip(range(round(per_s * duration_s)), turns, strict=False):
        due = begin + number / per_s
        await asyncio.sleep(max(0.0, due - loop.time()))
        asking.append(asyncio.create_task(one(due, path, token)))
    await asyncio.gather(*asking)
    while not idle.empty():
        idle.get_nowait().close()
    return took
