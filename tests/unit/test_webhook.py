"""The webhook against a real server on this machine: one that answers, fails, redirects, hangs, drips."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from linernotes import webhook
from linernotes.errors import ParameterError

SECRET = b"s" * 32
Seen = list[tuple[dict[str, str], bytes]]


@contextmanager
def server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[tuple[str, Seen]]:
    seen: Seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((dict(self.headers.items()), body))
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}/hook?x=1", seen
        finally:
            http.shutdown()
            thread.join()


def reply(status: int, text: str = "", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text.encode())

    return answer


def post(url: str, *, timeout_s: float = 5.0, private: bool = True) -> webhook.Answer:
    return webhook.post(
        url,
        b'{"a": "\xc3\xa9"}',
        secret=SECRET,
        idempotency_key="ntc_1-1",
        timestamp=1_000,
        timeout_s=timeout_s,
        private_allowed=private,
    )


def test_what_arrives_is_signed_and_names_its_key() -> None:
    with server(reply(202, "thanks")) as (url, seen):
        answer = post(url)
    assert (answer.status, answer.text, answer.is_delivered) == (202, "thanks", True)
    headers, body = seen[0]
    assert headers["Idempotency-Key"] == "ntc_1-1"
    assert webhook.verify(body, headers, secret=SECRET, now=1_010)
    assert not webhook.verify(body + b" ", headers, secret=SECRET, now=1_010)
    assert not webhook.verify(body, headers, secret=b"o" * 32, now=1_010)
    assert not webhook.verify(body, headers, secret=SECRET, now=1_000 + 301)
    assert not webhook.verify(body, headers | {"Linernotes-Timestamp": "1001"}, secret=SECRET, now=1_010)


@pytest.mark.parametrize("headers", [{}, {"Linernotes-Timestamp": "x"}, {"Linernotes-Timestamp": "9" * 30}])
def test_what_is_not_signed_is_not_believed(headers: dict[str, str]) -> None:
    assert not webhook.verify(b"", headers | {"Linernotes-Signature": "v1=é"}, secret=SECRET, now=0)


def test_a_signature_is_what_anybody_can_compute() -> None:
    # Oracle: printf '1000.{}' | openssl dgst -sha256 -hmac ssssssssssssssssssssssssssssssss
    expected = "v1=3b20f4e8ff286a644da8fa3ba461e2803384471efa2f5de2896a73b2f3be7ade"
    assert webhook.signature(b"{}", secret=SECRET, timestamp=1_000) == expected


@pytest.mark.parametrize(
    ("status", "again"),
    [
        (400, False),
        (401, False),
        (404, False),
        (408, True),
        (409, True),
        (422, False),
        (429, True),
        (500, True),
        (503, True),
    ],
)
def test_which_answers_mean_later(status: int, again: bool) -> None:  # noqa: FBT001
    with server(reply(status, Retry_After="7")) as (url, _):
        answer = post(url)
    assert (answer.is_delivered, answer.may_be_tried_again, answer.wait_s) == (False, again, 7)


def test_a_redirect_is_not_followed() -> None:
    with server(reply(200)) as (elsewhere, there), server(reply(307, Location=elsewhere)) as (url, _):
        answer = post(url)
    assert "redirects to" in answer.text
    assert (answer.is_delivered, answer.may_be_tried_again, there) == (False, False, [])


def test_a_server_that_hangs_is_left_in_time() -> None:
    with server(lambda _: time.sleep(1.5)) as (url, _):
        began = time.monotonic()
        answer = post(url, timeout_s=0.3)
        assert time.monotonic() - began < 1.2
    assert (answer.status, answer.text, answer.may_be_tried_again) == (0, "no answer within 0.3 s", True)


@pytest.mark.parametrize("head", [b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_server_that_drips_is_left_in_time(head: bytes) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        stop = threading.Event()

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(head)
                while not stop.wait(0.05):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        began = time.monotonic()
        answer = post(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout_s=0.5)
        took_s = time.monotonic() - began
        stop.set()
        thread.join()
    assert took_s < 1.5
    assert (answer.status, answer.may_be_tried_again) == (0, True)


def test_a_very_long_answer_is_not_read_to_its_end() -> None:
    with server(reply(200, "x" * 1_000_000)) as (url, _):
        assert len(post(url).text) <= 4096


@pytest.mark.parametrize("raw", [b"", b"\x00\x01\x02\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"SSH-2.0-x\r\n"])
def test_an_answer_that_is_no_http_can_be_tried_again(raw: bytes) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def answer_once() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(raw)

        thread = threading.Thread(target=answer_once)
        thread.start()
        answer = post(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        thread.join()
    assert (answer.status, answer.may_be_tried_again) == (0, True)


def test_nobody_there_can_be_tried_again() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    answer = post(f"http://127.0.0.1:{port}/")
    assert (answer.status, answer.may_be_tried_again) == (0, True)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://0.0.0.0/",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
    ],
)
def test_private_addresses_are_refused_unless_they_are_meant(url: str) -> None:
    with pytest.raises(ParameterError, match="not a public address") as caught:
        webhook.check_url(url, private_allowed=False)
    assert caught.value.code == "webhook_url"
    if not url.startswith("http:"):
        webhook.check_url(url, private_allowed=True)


def test_a_name_that_leads_to_a_private_address_is_refused_when_it_is_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def getaddrinfo(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    webhook.check_url("https://rebinding.example/", private_allowed=False)
    with pytest.raises(ParameterError, match=r"10\.0\.0\.1 is not a public address"):
        post("https://rebinding.example/", private=False)


def test_a_name_nobody_knows_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> list[tuple[object, ...]]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    answer = post("https://nowhere.example/", private=False)
    assert (answer.status, answer.may_be_tried_again) == (0, True)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://x.example/",
        "file:///etc/passwd",
        "https://",
        "https://user:pass@x.example/",
        "https://x.example:99999/",
        "https://x.example/a b",
        "https://x.example/\r\nHost: y",
        "http://8.8.8.8/",
        "https://x.example:0/",
    ],
)
def test_what_is_no_address_for_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(ParameterError):
        webhook.check_url(url, private_allowed=False)


def test_tls_needs_a_certificate_of_the_host() -> None:
    with server(reply(200)) as (url, seen):
        answer = post(url.replace("http:", "https:"), timeout_s=2)
    assert (answer.status, seen) == (0, [])
