"""Where a route is answered: in the loop what is quick, in a thread what may take its time."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.responses import Response

from linernotes.api import routing
from linernotes.api.routing import quick, quick_if_small

Way = Callable[[routing.Endpoint], routing.Answered]


def answered_in_loop(way: Way, *, url: str | None, path: Path) -> bool:
    """Ask a route that says which thread it runs in, of a workspace with this database."""

    def endpoint(workspace: object) -> Response:
        del workspace
        return Response(threading.current_thread().name)

    workspace = SimpleNamespace(database_url=url, database=url or path)
    answered = way(endpoint)

    async def ask() -> bytes:
        return bytes((await answered(workspace=workspace)).body)

    return asyncio.run(ask()) == threading.main_thread().name.encode()


@pytest.mark.parametrize(
    ("way", "url", "n_bytes", "expected"),
    [
        (quick, None, 1000, True),
        (quick, "postgresql://there/x", 0, False),
        (quick_if_small, None, 10, True),
        (quick_if_small, None, 1000, False),
        (quick_if_small, "postgresql://there/x", 0, False),
    ],
)
def test_the_loop_answers_what_is_near_and_small(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: Way,
    url: str | None,
    n_bytes: int,
    *,
    expected: bool,
) -> None:
    monkeypatch.setattr(routing, "_SMALL_BYTES", 100)
    path = tmp_path / "catalogue.sqlite3"
    path.write_bytes(bytes(n_bytes))
    assert answered_in_loop(way, url=url, path=path) is expected
