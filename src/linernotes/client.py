"""A client of the server, typed: ``pip install 'linernotes[client]'``.

::

    with Client("https://notes.example.org", token="lnt_…") as client:
        trace = client.wait(client.upload("song.wav"))
        heard = [evidence["explanation"] for evidence in client.notes(trace.id)["evidence"]]

What comes back is the JSON of the API (see ``docs/server.md``); what long work is known by is a :class:`Job`. Every
request that changes something carries an idempotency key, so that one that is sent again after a cut is done once.
"""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from linernotes.errors import (
    ConflictError,
    InputError,
    LinernotesError,
    NotFoundError,
    UnavailableError,
)

__all__ = ["Client", "Job", "RefusedError"]

_TRIES = 4
_ERRORS: Mapping[int, type[LinernotesError]] = {404: NotFoundError, 409: ConflictError, 429: UnavailableError}


class RefusedError(LinernotesError):
    """Who asks is not signed in, or may not do this."""

    default_code = "refused"


@dataclass(frozen=True, slots=True)
class Job:
    """Long work on the server. ``result`` and ``problem`` are None until it is over."""

    id: str
    kind: str
    state: str
    name: str | None
    attempts: int
    created_at: datetime
    finished_at: datetime | None
    problem: Mapping[str, str] | None
    result: Mapping[str, Any] | None

    @property
    def is_over(self) -> bool:
        """Nothing will change any more."""
        return self.state in ("done", "failed", "cancelled")


class Client:
    """A connection to a server; use it as a context manager."""

    def __init__(self, address: str, *, token: str, timeout_s: float = 60.0) -> None:
        """Connect to ``address`` with a token, which a person makes there."""
        headers = {"Authorization": f"Bearer {token}", "User-Agent": "linernotes-client"}
        self._http = httpx.Client(base_url=address, headers=headers, timeout=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    # ── traces ───────────────────────────────────────────────────────────────

    def upload(self, path: Path | str, *, claim: bool = True) -> Job:
        """Upload a file to be heard; ``claim``: what is heard is claimed for those whose it is."""
        path = Path(path)
        content = path.read_bytes()
        told = self._changed(
            "POST", "/v1/traces", files={"file": (path.name, content)}, data={"claim": str(claim).lower()}
        )
        return _job(told["items"][0])

    def traces(self, *, state: str | None = None) -> Iterator[Job]:
        """Yield one's uploads, the newest first."""
        yield from map(_job, self._pages("/v1/traces", state=state))

    def notes(self, trace_id: str) -> dict[str, Any]:
        """Return the liner notes of an upload; ConflictError while it has not been heard."""
        return self._asked("GET", f"/v1/traces/{trace_id}/notes")

    # ── masters ──────────────────────────────────────────────────────────────

    def master(
        self,
        songs: Sequence[Path | str],
        *,
        references: Sequence[Path | str] = (),
        preset: Path | str | None = None,
        album: bool = False,
        loudness_lufs: float | None = None,
        peak_dbtp: float | None = None,
        codecs: Sequence[str] = (),
        amounts: Mapping[str, float] | None = None,
        bits: int | None = None,
        container: str | None = None,
    ) -> Job:
        """Have songs mastered together; ``amounts`` are percent, by stage: ``tone``, ``dynamics``, ``width``."""
        named = [("file", each) for each in songs] + [("reference", each) for each in references]
        named += [] if preset is None else [("preset", preset)]
        asked = {"loudness": loudness_lufs, "peak": peak_dbtp, "bits": bits, "format": container}
        asked |= {f"amount_{stage}": percent for stage, percent in (amounts or {}).items()}
        data = {name: str(value) for name, value in asked.items() if value is not None}
        data |= {"album": str(album).lower(), "codecs": ",".join(codecs)}
        files = [(name, (Path(each).name, Path(each).read_bytes())) for name, each in named]
        return _job(self._changed("POST", "/v1/masters", files=files, data=data))

    def masters(self, master_id: str) -> dict[str, Any]:
        """Return an order of masters: what was asked, and what became of each song."""
        return self._asked("GET", f"/v1/masters/{master_id}")

    def fetch_master(self, master_id: str, number: int, folder: Path | str) -> Path:
        """Fetch the master of a song, counted from 1, into a folder; ConflictError while it is not made."""
        answer = self._answered("GET", f"/v1/masters/{master_id}/songs/{number}")
        name = _file_name(answer.headers["Content-Disposition"])
        Path(folder).mkdir(parents=True, exist_ok=True)
        path = Path(folder) / name
        path.write_bytes(answer.content)
        return path

    def delete_masters(self, master_id: str) -> dict[str, Any]:
        """Delete the sounds of an order; what was told of them stays."""
        return self._changed("DELETE", f"/v1/masters/{master_id}")

    # ── models ───────────────────────────────────────────────────────────────

    def models(self) -> Iterator[dict[str, Any]]:
        """Yield the releases of models that one sees."""
        yield from self._pages("/v1/models")

    def model_works(self, model_id: str) -> Iterator[dict[str, Any]]:
        """Yield what a release learned from, as far as one sees it, with the consents."""
        yield from self._pages(f"/v1/models/{model_id}/works")

    def model_outputs(self, model_id: str) -> Iterator[dict[str, Any]]:
        """Yield what a release made, and who is owed which part of it, as far as one sees it."""
        yield from self._pages(f"/v1/models/{model_id}/outputs")

    # ── jobs ─────────────────────────────────────────────────────────────────

    def job(self, job_id: str) -> Job:
        """Return a job as it stands."""
        return _job(self._asked("GET", f"/v1/jobs/{job_id}"))

    def cancel(self, job_id: str) -> Job:
        """Cancel a job that is not over."""
        return _job(self._changed("POST", f"/v1/jobs/{job_id}/cancel"))

    def wait(self, job: Job, *, timeout_s: float = 600.0) -> Job:
        """Wait until a job is over; TimeoutError if that takes longer. LinernotesError if it failed."""
        until = time.monotonic() + timeout_s
        pause_s = 0.1
        while not job.is_over:
            if time.monotonic() > until:
                raise TimeoutError(f"job {job.id} is {job.state} after {timeout_s:g} s")
            time.sleep(pause_s)
            pause_s = min(2.0, 1.5 * pause_s)
            job = self.job(job.id)
        if job.state != "done":
            told = job.problem or {}
            raise LinernotesError(f"job {job.id} {job.state}: {told.get('message', '')}", code=told.get("code"))
        return job

    # ── claims ───────────────────────────────────────────────────────────────

    def claims(self, *, state: str | None = None, party: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield the claims that one sees."""
        yield from self._pages("/v1/claims", state=state, party=party)

    def claim(self, claim_id: str) -> dict[str, Any]:
        """Return a claim with its history and what can be done."""
        return self._asked("GET", f"/v1/claims/{claim_id}")

    def decide(
        self, claim_id: str, action: str, *, why: str, share: str | None = None, side: str | None = None
    ) -> dict[str, Any]:
        """Choose for a claim of one's party: ``allow``, ``share``, ``block``."""
        given = {"action": action, "why": why, "share": share, "side": side}
        return self._changed("POST", f"/v1/claims/{claim_id}/decide", json=given)

    def dispute(self, claim_id: str, *, why: str) -> dict[str, Any]:
        """Contest a claim on one's upload."""
        return self._changed("POST", f"/v1/claims/{claim_id}/dispute", json={"why": why})

    # ── the rest ─────────────────────────────────────────────────────────────

    def search(self, query: str) -> Iterator[dict[str, Any]]:
        """Yield recordings of the catalogue."""
        yield from self._pages("/v1/catalogue", query=query)

    def statements(self, period: str, *, party: str | None = None) -> list[dict[str, Any]]:
        """Return what a party is told of a month, a statement for each currency."""
        asked = {"period": period} | ({} if party is None else {"party": party})
        told: list[dict[str, Any]] = self._asked("GET", "/v1/statements", params=asked)["items"]
        return told

    def why(self, line_id: str) -> dict[str, Any]:
        """Say why a line of a statement is what it is."""
        return self._asked("GET", f"/v1/statements/lines/{line_id}/why")

    # ── requests ─────────────────────────────────────────────────────────────

    def _pages(self, path: str, **asked: str | None) -> Iterator[dict[str, Any]]:
        params = {name: value for name, value in asked.items() if value is not None}
        while True:
            told = self._asked("GET", path, params=params)
            yield from told["items"]
            if told["next"] is None:
                return
            params["after"] = told["next"]

    def _changed(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        return self._asked(method, path, headers=headers, **options)

    def _asked(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        told: dict[str, Any] = self._answered(method, path, **options).json()
        return told

    def _answered(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask, again where nothing was answered or the server asks for patience; raise what a problem means."""
        for last in (*[False] * (_TRIES - 1), True):
            try:
                answer = self._http.request(method, path, **options)
            except httpx.TransportError as error:
                if last:
                    raise UnavailableError(f"{self._http.base_url}: no answer ({error})") from error
                time.sleep(0.5)
                continue
            if answer.status_code not in (429, 503) or last:
                break
            time.sleep(min(30.0, float(answer.headers.get("Retry-After", "1"))))
        if answer.status_code >= 400:
            raise _error(answer)
        return answer


def _error(answer: httpx.Response) -> LinernotesError:
    is_problem = answer.headers.get("Content-Type", "") == "application/problem+json"
    told: dict[str, Any] = answer.json() if is_problem else {"detail": answer.text[:200], "code": None}
    status = answer.status_code
    if status in (401, 403):
        return RefusedError(told["detail"], code=told["code"])
    kind = _ERRORS.get(status, InputError if status < 500 else UnavailableError)
    return kind(told["detail"], code=told["code"])


def _file_name(disposition: str) -> str:
    """Return the name that a file is sent under, without what would lead out of a folder."""
    message = Message()
    message["Content-Disposition"] = disposition
    return Path(str(message.get_filename("master"))).name or "master"


def _job(told: Mapping[str, Any]) -> Job:
    finished = told["finished_at"]
    return Job(
        *(told["id"], told["kind"], told["state"], told["name"], told["attempts"]),
        created_at=datetime.fromisoformat(told["created_at"]),
        finished_at=None if finished is None else datetime.fromisoformat(finished),
        problem=told["problem"],
        result=told.get("result"),
    )
