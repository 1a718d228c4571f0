"""Signed webhooks: the one door through which something leaves for another machine.

Conventions
-----------
A request is a POST of JSON with the headers ``Idempotency-Key`` (the same in every attempt), ``Linernotes-Timestamp``
(seconds since 1970) and ``Linernotes-Signature: v1=`` HMAC-SHA256, hexadecimal, over timestamp, full stop, body.
https only, but for loopback; no redirect is followed; the address is looked up once, checked, and then connected to,
so that a name cannot point elsewhere in between; private addresses are refused unless the platform allows them.
"""

import contextlib
import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from linernotes.errors import ParameterError

__all__ = ["Answer", "check_url", "post", "signature", "verify"]

_ANSWER_BYTES_MAX = 4096
_AGAIN = frozenset({408, 409, 425, 429})
"""Answers that mean "later": time-outs, a twin still in work, too early, too many."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt. ``status`` is 0 where nothing answered; ``wait_s``: the server asked for so long."""

    status: int
    text: str
    wait_s: int = 0

    @property
    def is_delivered(self) -> bool:
        """The platform has it."""
        return 200 <= self.status < 300

    @property
    def may_be_tried_again(self) -> bool:
        """It may go well next time: nobody answered, the server failed or asked for patience."""
        return self.status == 0 or self.status >= 500 or self.status in _AGAIN


def signature(body: bytes, *, secret: bytes, timestamp: int) -> str:
    """Return the value of the header ``Linernotes-Signature``."""
    return "v1=" + hmac.new(secret, f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def verify(body: bytes, headers: Mapping[str, str], *, secret: bytes, now: int, tolerance_s: int = 300) -> bool:
    """Tell, at the receiving end, whether a request was signed with ``secret`` and is not old."""
    given = {name.lower(): value for name, value in headers.items()}
    timestamp, signed = given.get("linernotes-timestamp", ""), given.get("linernotes-signature", "")
    if not timestamp.isdecimal() or not timestamp.isascii() or len(timestamp) > 12 or not signed.isascii():
        return False
    expected = signature(body, secret=secret, timestamp=int(timestamp))
    return hmac.compare_digest(expected, signed) and abs(now - int(timestamp)) <= tolerance_s


def check_url(url: str, *, private_allowed: bool) -> None:
    """Refuse an address that must not be posted to, as far as it can be told without looking its name up.

    Raises ParameterError with code ``webhook_url``.
    """
    parts = _parts(url)
    try:
        address = ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        return
    _require_reachable(url, parts, address, private_allowed=private_allowed)


def post(
    url: str,
    body: bytes,
    *,
    secret: bytes,
    idempotency_key: str,
    timestamp: int,
    timeout_s: float,
    private_allowed: bool = False,
) -> Answer:
    """Make one attempt; it ends within ``timeout_s``, whatever the server does.

    Raises ParameterError (code ``webhook_url``) if the address must not be posted to.
    """
    parts = _parts(url)
    try:
        address = _look_up(url, parts, private_allowed=private_allowed)
    except OSError as error:
        return Answer(0, f"{parts.hostname}: name not found ({error})")
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": idempotency_key,
        "Linernotes-Timestamp": str(timestamp),
        "Linernotes-Signature": signature(body, secret=secret, timestamp=timestamp),
        "User-Agent": "Linernotes",
        "Connection": "close",
    }
    connection = _connection(parts, address, timeout_s)
    # A server that drips a byte a second would outlive any time-out between bytes.
    watch = threading.Timer(timeout_s, connection.cut)
    watch.daemon = True
    watch.start()
    try:
        with contextlib.closing(connection):
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            text = response.read(_ANSWER_BYTES_MAX).decode("utf-8", "replace")
            if connection.out_of_time.is_set():
                raise TimeoutError  # what was cut may look like an answer
            return _answer(response, text)
    except (OSError, http.client.HTTPException, ValueError) as error:
        # ValueError: the watch closed the socket between two reads.
        late = connection.out_of_time.is_set() or isinstance(error, TimeoutError)
        why = f"no answer within {timeout_s:g} s" if late else f"{type(error).__name__}: {error}"
        return Answer(0, why)
    finally:
        watch.cancel()


def _answer(response: http.client.HTTPResponse, text: str) -> Answer:
    if 300 <= response.status < 400:
        target = response.getheader("Location", "nowhere")
        return Answer(response.status, f"redirects to {target}, which is not followed: configure the final address")
    after = response.getheader("Retry-After", "")
    return Answer(response.status, text, int(after) if after.isascii() and after.isdecimal() and len(after) < 7 else 0)


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ParameterError(f"{url!r} is not an address ({error})", code="webhook_url") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        message = f"{url!r}: give https://host/path, without a user or password in it"
        raise ParameterError(message, code="webhook_url")
    if any(ord(c) <= 32 or ord(c) == 127 for c in url) or port == 0:
        raise ParameterError(f"{url!r} is not an address: blanks, control characters or port 0", code="webhook_url")
    return parts


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _look_up(url: str, parts: SplitResult, *, private_allowed: bool) -> str:
    """Return an address of the host; every address it has must be one that may be reached."""
    found = socket.getaddrinfo(parts.hostname, _port(parts), type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
    for address in addresses:
        _require_reachable(url, parts, address, private_allowed=private_allowed)
    return str(addresses[0])


def _require_reachable(url: str, parts: SplitResult, address: _Address, *, private_allowed: bool) -> None:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if not private_allowed and (not address.is_global or address.is_multicast):
        message = f"{url}: {address} is not a public address; allow it with --private if it is meant"
        raise ParameterError(message, code="webhook_url")
    if parts.scheme == "http" and not address.is_loopback:
        raise ParameterError(f"{url}: http is for loopback alone; use https", code="webhook_url")


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _connection(parts: SplitResult, address: str, timeout_s: float) -> "_Pinned":
    kind = _Pinned if parts.scheme == "http" else _PinnedTls
    return kind(parts.hostname or "", _port(parts), address, timeout_s)


class _Pinned(http.client.HTTPConnection):
    """A connection to an address that was checked, whatever the name says by now; :meth:`cut` ends it at any point."""

    def __init__(self, host: str, port: int, address: str, timeout_s: float) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self.out_of_time = threading.Event()
        self._address, self._timeout_s = address, timeout_s

    def connect(self) -> None:
        """Connect to the checked address."""
        self.sock = socket.create_connection((self._address, self.port), self._timeout_s)
        if self.out_of_time.is_set():
            raise TimeoutError

    def cut(self) -> None:
        """End what goes on, from another thread."""
        self.out_of_time.set()
        if self.sock is not None:
            with contextlib.suppress(OSError):  # it ended by itself
                self.sock.shutdown(socket.SHUT_RDWR)


class _PinnedTls(_Pinned):
    """The same with TLS; the certificate must be the host's."""

    default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        """Connect, then shake hands on a socket that can be cut meanwhile."""
        super().connect()
        tls = ssl.create_default_context().wrap_socket(
            self.sock, server_hostname=self.host, do_handshake_on_connect=False
        )
        self.sock = tls
        tls.do_handshake()
