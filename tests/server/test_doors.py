"""The doors of the server, tried as somebody would who means no good."""

import contextlib
import re
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from linernotes.api import listening
from linernotes.journeys import signing_in
from linernotes.journeys.uploads import safe_name
from tests.server.conftest import PASSWORD, Served

Serve = Callable[..., Served]
RIGHT = {"name": "ada", "password": PASSWORD}


def test_what_changes_something_with_a_cookie_comes_from_a_page_of_ours(serve: Serve) -> None:
    served = serve()
    with served.client("ada") as client:
        token = client.headers.pop("X-CSRF-Token")
        for headers in (
            {},
            {"X-CSRF-Token": "0" * 64},
            {"X-CSRF-Token": token, "Origin": "https://evil.example"},
            {"X-CSRF-Token": token, "Origin": "null"},
            {"X-CSRF-Token": token, "Sec-Fetch-Site": "cross-site"},
        ):
            refused = client.post("/v1/webhooks", json={}, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (403, "csrf")
        here = {"X-CSRF-Token": token, "Origin": served.url, "Sec-Fetch-Site": "same-origin"}
        assert client.post("/v1/webhooks", json={}, headers=here).status_code == 422
    with served.client() as client:
        forged = client.post("/v1/session", json=RIGHT, headers={"Origin": "https://evil.example"})
        assert forged.status_code == 403


def test_signing_in_begins_another_session_and_ends_the_one_before(serve: Serve) -> None:
    served = serve()
    with served.client() as client:
        client.cookies.set("linernotes", "planted")
        cookie = client.post("/v1/session", json=RIGHT).headers["set-cookie"]
        assert "planted" not in cookie
        assert re.search(r"HttpOnly.*SameSite=lax", cookie)
        first = client.cookies.get("linernotes", domain="127.0.0.1") or ""
        assert len(first) > 40
        client.cookies.clear()
        client.cookies.set("linernotes", first)
        token = {"X-CSRF-Token": client.get("/v1/session").json()["csrf_token"]}
        assert client.post("/v1/session", json=RIGHT, headers=token).status_code == 201
    with served.client() as client:
        client.cookies.set("linernotes", first)
        assert client.get("/v1/session").status_code == 401
    assert signing_in.in_session(served.workspace, "planted", at=datetime.now(UTC)) is None


def test_a_session_ends_by_signing_out_and_by_itself(serve: Serve) -> None:
    served = serve(session_length=timedelta(seconds=0))
    with served.client() as client:
        client.post("/v1/session", json=RIGHT)
        assert client.get("/v1/session").status_code == 401
    with served.client("ada") as client:
        secret = client.cookies["linernotes"]
        assert client.delete("/v1/session").status_code == 204
        client.cookies.set("linernotes", secret)
        assert client.get("/v1/session").status_code == 401


def test_over_https_the_cookie_is_for_https_alone(serve: Serve) -> None:
    with serve(is_secure=True).client() as client:
        answer = client.post("/v1/session", json=RIGHT)
    assert answer.headers["set-cookie"].startswith("__Host-linernotes=")
    assert "Secure" in answer.headers["set-cookie"]
    assert "max-age" in answer.headers["strict-transport-security"]


def test_whether_a_name_is_known_does_not_show(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    verify = signing_in._HASHER.verify

    class Noting:
        def verify(self, known: str, password: str) -> bool:
            hashed.append(known)
            return verify(known, password)

    monkeypatch.setattr(signing_in, "_HASHER", Noting())
    with serve().client() as client:
        answers = [
            client.post("/v1/session", json={"name": name, "password": "wrong"}) for name in ("ada", "nobody", "")
        ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    assert len(hashed) == 3  # as much work whether or not there is anything to compare with
    assert len({h.split("$")[3] for h in hashed}) == 1


@pytest.mark.extras
def test_a_refusal_takes_as_long_whether_or_not_the_name_is_known(serve: Serve) -> None:
    took: dict[str, list[float]] = {"ada": [], "nobody": []}
    with serve().client() as client:
        for _ in range(15):
            for name, times in took.items():
                began = time.process_time()
                client.post("/v1/session", json={"name": name, "password": "wrong"})
                times.append(time.process_time() - began)
    known, unknown = (statistics.median(times) for times in took.values())
    assert abs(known - unknown) < 0.3 * known


def test_too_many_attempts_have_to_wait(serve: Serve) -> None:
    with serve(sign_ins_per_minute=3).client() as client:
        codes = [client.post("/v1/session", json={"name": "ada", "password": "x"}).status_code for _ in range(5)]
        assert codes == [401, 401, 401, 429, 429]
    with serve(requests_per_s=0.01, requests_burst=2).client("ada") as client:
        answers = [client.get("/v1/session") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert int(answers[-1].headers["retry-after"]) > 0


def test_a_page_elsewhere_cannot_have_its_name_point_here(serve: Serve) -> None:
    served = serve(host_names=("127.0.0.1",))
    with served.client() as client:
        assert client.get("/v1/session").status_code == 401
        assert client.get("/v1/session", headers={"Host": "evil.example"}).status_code == 421


def test_every_answer_tells_browsers_what_not_to_do(serve: Serve) -> None:
    with serve().client() as client:
        for path in ("/v1/session", "/v1/openapi.json", "/nothing", "/v1/traces/%2e%2e/%2e%2e"):
            headers = client.get(path).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert "server" not in headers


# ── uploads ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", ".bashrc", "a\x00b\n.wav", "…"]
)
def test_a_files_name_leads_nowhere(serve: Serve, name: str) -> None:
    served = serve()
    with served.client("uploader") as client:
        told = client.post("/v1/traces", files={"file": (name, b"not sound")}).json()["items"][0]
    assert "/" not in told["name"]
    assert told["name"].isprintable()
    uploads = served.workspace.folder / "uploads"
    kept = [path for path in uploads.rglob("*") if path.is_file()]
    assert len(kept) == 1
    assert kept[0].parent.parent == uploads
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", kept[0].name)
    assert safe_name(name) == kept[0].name or "\x00" in name


def test_an_upload_that_is_too_large_is_refused_and_leaves_nothing(serve: Serve) -> None:
    served = serve(upload_bytes_max=100_000)
    whole = b"x" * 200_000
    with served.client("uploader") as client:
        assert client.post("/v1/traces", files={"file": ("a", whole)}).status_code == 413

        def unannounced() -> Iterator[bytes]:
            yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
            yield from (whole[i : i + 10_000] for i in range(0, len(whole), 10_000))

        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        with contextlib.suppress(httpx.HTTPError):  # it may hang up while we still talk
            assert client.post("/v1/traces", content=unannounced(), headers=kind).status_code == 413
        assert client.get("/v1/traces").json()["items"] == []
    assert [path for path in (served.workspace.folder / "uploads").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "multipart/form-data; boundary=b", 400),
        (b"--b\r\n", "multipart/form-data; boundary=b", 400),
        (b"nonsense", "multipart/form-data; boundary=b", 400),
        (b"--b--\r\n", "multipart/form-data; boundary=b", 422),
        (b"{}", "application/json", 415),
        (b"", "multipart/form-data", 415),
        (
            b'--b\r\nContent-Disposition: form-data; name="claim"\r\n\r\n' + b"x" * 20_000,
            "multipart/form-data; boundary=b",
            400,
        ),
        (b"--b\r\n" + b"X" * 10_000 + b": 1\r\n\r\n", "multipart/form-data; boundary=b", 400),
    ],
)
def test_a_form_that_is_none_is_told(serve: Serve, body: bytes, kind: str, status: int) -> None:
    with serve().client("uploader") as client:
        answer = client.post("/v1/traces", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_slow_client_is_cut_off(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "_HEAD_S", 0.3)
    served = serve(upload_time_s=0.3, body_time_s=0.3)
    port = urlsplit(served.url).port
    with served.client("uploader") as client:
        cookie, token = client.cookies["linernotes"], client.headers["X-CSRF-Token"]
    head = (
        f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nCookie: linernotes={cookie}\r\nX-CSRF-Token: {token}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n\r\n--b\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=30) as slow:
        slow.sendall(head.encode())
        assert b"408" in slow.recv(1000).split(b"\r\n")[0]
    for beginning in (b"", b"GET /v1/session HTTP/1.1\r\nHost: x\r\n"):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as slow:
            slow.sendall(beginning)
            assert slow.recv(1000) == b""


@pytest.mark.parametrize("sent", [8_000 * b"X: a header\r\n", b"X: " + 100_000 * b"y"], ids=["lines", "a line"])
def test_a_head_without_end_is_hung_up_on(serve: Serve, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(listening, "_HEAD_S", 600.0)  # not for being slow
    port = urlsplit(serve().url).port
    with socket.create_connection(("127.0.0.1", port), timeout=30) as endless:
        answer = b""
        with contextlib.suppress(ConnectionError):  # what it had not read yet is thrown back
            endless.sendall(b"GET /v1/session HTTP/1.1\r\nHost: x\r\n" + sent)
            answer = endless.recv(1000)
    assert answer[:13] in (b"", b"HTTP/1.1 400 ")


# ── asked twice ──────────────────────────────────────────────────────────────


def test_what_is_asked_twice_with_one_key_is_done_once(serve: Serve) -> None:
    served = serve()
    key = {"Idempotency-Key": "once"}
    with served.client("uploader") as client:
        asked: dict[str, Any] = {
            "files": {"file": ("a.wav", b"x")},
            "headers": key | {"Content-Type": "multipart/form-data; boundary=b"},
        }
        first, again = client.post("/v1/traces", **asked), client.post("/v1/traces", **asked)
        assert first.status_code == again.status_code == 202
        assert first.json() == again.json()
        assert again.headers["idempotency-replayed"] == "true"
        assert len(client.get("/v1/traces").json()["items"]) == 1
        other = client.post("/v1/tokens", json={"name": "x", "scopes": ["traces:read"]}, headers=key)
        assert (other.status_code, other.json()["code"]) == (409, "key_reused")
        refused = client.post("/v1/tokens", json={"name": "x", "scopes": ["nothing"]}, headers={"Idempotency-Key": "k"})
        assert refused.status_code == 400
        better = client.post(
            "/v1/tokens", json={"name": "x", "scopes": ["traces:read"]}, headers={"Idempotency-Key": "k"}
        )
        assert better.status_code == 201  # what was refused was not done: the key is free again
    with served.client("another") as client:
        mine = {"Idempotency-Key": "once"}
        made = client.post("/v1/tokens", json={"name": "x", "scopes": ["traces:read"]}, headers=mine)
        assert made.status_code == 201  # a key is an account's own


def test_pages_of_a_list_follow_each_other(serve: Serve) -> None:
    with serve().client("uploader") as client:
        files = [("file", (f"{number}.wav", b"x%d" % number)) for number in range(5)]
        client.post("/v1/traces", files=files)
        names, after = [], None
        while True:
            told = client.get("/v1/traces", params={"limit": 2} | ({"after": after} if after else {})).json()
            names += [item["name"] for item in told["items"]]
            after = told["next"]
            if after is None:
                break
    assert names == ["4.wav", "3.wav", "2.wav", "1.wav", "0.wav"]


def test_a_password_is_long_enough_and_an_admin_is_left(serve: Serve) -> None:
    with serve().client("admin") as client:
        short = client.post("/v1/accounts", json={"name": "x", "password": "short", "role": "uploader"})
        assert short.json()["code"] == "password_length"
        last = client.patch("/v1/accounts/acc_admin", json={"disabled": True, "why": "x"})
        assert last.json()["code"] == "last_admin"
        partyless = {"name": "x", "password": "long enough, this", "role": "rights_holder"}
        assert client.post("/v1/accounts", json=partyless).status_code == 400
