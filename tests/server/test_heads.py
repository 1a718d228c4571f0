"""HEAD says what GET would say, and no more."""

from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx

from linernotes import web
from tests.server.conftest import Served

SAME = ("content-type", "content-length", "content-disposition", "content-security-policy", "location", "accept-ranges")


def paths(ids: dict[str, str]) -> list[str]:
    """Pages, data, a file, events, faults: one address of each kind of answer."""
    upload = f"/uploads/{ids['trace']}"
    return [
        *("/", "/trace", "/inbox", "/catalogue", "/nowhere", f"/inbox/{ids['claim']}", f"{upload}/sound"),
        *("/v1/session", "/v1/traces", f"/v1/traces/{ids['trace']}/notes", "/v1/openapi.json", "/v1/nothing"),
        *(f"/v1/jobs/{ids['waiting']}/events", "/v1/traces/job_nowhere"),
    ]


def test_head_is_answered_as_get_without_the_body(story: Served) -> None:
    web.join(story.app)
    with story.client("uploader") as client, closing(_kept_open(story)) as connection:
        for path in paths(story.ids):
            headers = dict(client.headers) | {"Cookie": f"linernotes={client.cookies['linernotes']}"}
            with client.stream("GET", path) as got:
                pass
            connection.request("HEAD", path, headers=headers)
            head = connection.getresponse()
            assert head.status == got.status_code, path
            assert _told(httpx.Headers(head.getheaders())) == _told(got.headers), path
            # Had a body followed, it would be taken for the next answer on this connection.
            assert head.read() == b"", path
    assert story.app.state.streams == 0


def test_a_range_is_for_get_alone(story: Served) -> None:
    web.join(story.app)
    path = f"/uploads/{story.ids['trace']}/sound"
    with story.client("uploader") as client:
        part = {"Range": "bytes=0-9"}
        got, head = client.get(path, headers=part), client.head(path, headers=part)
        assert (got.status_code, len(got.content)) == (206, 10)
        assert (head.status_code, head.headers["accept-ranges"]) == (200, "bytes")
        assert int(head.headers["content-length"]) == len(client.get(path).content)


def test_head_of_what_is_only_posted_is_no_method(story: Served) -> None:
    with story.client("ada") as client:
        for path in (f"/v1/claims/{story.ids['claim']}/decide", "/v1/catalogue/imports/x/y"):
            assert client.head(path).status_code == client.get(path).status_code
        assert client.head(f"/v1/claims/{story.ids['claim']}/decide").status_code == 405


def _kept_open(story: Served) -> HTTPConnection:
    address = urlsplit(story.url)
    return HTTPConnection(address.hostname or "", address.port, timeout=60)


def _told(headers: httpx.Headers) -> dict[str, str | None]:
    return {name: headers.get(name) for name in SAME}
