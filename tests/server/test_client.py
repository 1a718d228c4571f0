"""The client against a real server."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from linernotes.client import Client, RefusedError
from linernotes.errors import ConflictError, LinernotesError, NotFoundError, UnavailableError
from linernotes.journeys import signing_in
from linernotes.journeys.worker import work_once
from tests.server.conftest import PERIOD, Served

SCOPES = ["traces:read", "traces:write", "claims:read", "claims:dispute"]


@pytest.fixture
def client(story: Served) -> Iterator[Client]:
    account = story.people["uploader"]
    _, token = signing_in.make_token(story.workspace, account, "t", SCOPES, at=datetime.now(UTC), days=1)
    with Client(story.url, token=token) as opened:
        yield opened


def test_an_upload_is_heard_and_its_claims_are_disputed(
    story: Served, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "none.wav").write_bytes(b"no sound")
    job = client.upload(tmp_path / "none.wav", claim=False)
    with pytest.raises(ConflictError):
        client.notes(job.id)
    story.workspace.jobs.cancel(story.ids["waiting"], at=datetime.now(UTC))
    monkeypatch.setattr("time.sleep", lambda _: work_once(story.workspace, "w"))
    assert client.wait(job).state == "done"
    assert client.notes(job.id)["query"]["path"] == "none.wav"
    assert [trace.name for trace in client.traces()] == ["none.wav", "x.wav", "b", "midnight.wav"]
    assert story.ids["claim"] in {claim["id"] for claim in client.claims()}
    assert client.dispute(story.ids["claim"], why="it is mine")["state"] == "disputed"
    with pytest.raises(ConflictError):
        client.dispute(story.ids["claim"], why="it is mine, I say")


def test_what_a_model_learned_from_a_party_is_told(story: Served) -> None:
    account, at = story.people["ada"], datetime.now(UTC)
    _, token = signing_in.make_token(story.workspace, account, "t", ["models:read"], at=at, days=1)
    with Client(story.url, token=token) as client:
        assert [release["id"] for release in client.models()] == ["mdl_hearth"]
        assert [work["title"] for work in client.model_works("mdl_hearth")] == ["Anvil"]
        assert [len(output["owners"]) for output in client.model_outputs("mdl_hearth")] == [1]


def test_what_the_server_refuses_is_an_error_of_ours(story: Served, client: Client) -> None:
    with pytest.raises(NotFoundError):
        client.job("job_nothing")
    with pytest.raises(RefusedError, match="statements:read"):
        client.statements(PERIOD)
    with pytest.raises(LinernotesError, match="cancelled"):
        client.wait(client.cancel(story.ids["waiting"]))
    with Client(story.url, token="lnt_nothing_x") as stranger, pytest.raises(RefusedError):
        next(stranger.claims())


def test_what_was_cut_off_is_sent_again_with_the_same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            raise httpx.ReadError("cut")
        return httpx.Response(429, headers={"Retry-After": "1"}) if len(keys) == 2 else httpx.Response(200, json={})

    monkeypatch.setattr("time.sleep", lambda _: None)
    with Client("http://server.example", token="x") as client:
        client._http = httpx.Client(base_url="http://server.example", transport=httpx.MockTransport(answer))
        client.dispute("clm_x", why="it is mine")
        assert len(keys) == 3
        assert len(set(keys)) == 1
        broken: Callable[[httpx.Request], httpx.Response] = lambda _: httpx.Response(503)  # noqa: E731
        client._http = httpx.Client(base_url="http://server.example", transport=httpx.MockTransport(broken))
        with pytest.raises(UnavailableError):
            client.claim("clm_x")
