"""Work off a job: what each kind of long work does, told as JSON's types, and what is to be told to whom then.

Each may be begun twice, when whoever began it first was killed; the same thing told twice is one.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from linernotes import webhook
from linernotes.errors import InputError, NotFoundError, UnavailableError
from linernotes.formats.liner_notes import TracedUpload, from_claim, from_trace
from linernotes.formats.waveforms import packed
from linernotes.journeys.catalogue import import_files
from linernotes.journeys.claim import claims_of, propose
from linernotes.journeys.keys import key
from linernotes.journeys.listening import Progress
from linernotes.journeys.ordering import master_order
from linernotes.journeys.pay import run_royalties
from linernotes.journeys.trace import trace
from linernotes.journeys.uploads import path_of
from linernotes.journeys.usage import import_usage
from linernotes.model import Claim, Job, JobKind
from linernotes.store.jobs import NewJob
from linernotes.store.notices import StoredNotice
from linernotes.workspace import Workspace

__all__ = ["Worked", "events_about", "events_of_notice", "work_off"]

_WEBHOOK_TIMEOUT_S = 20.0
_PROBLEMS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Worked:
    """What a job came to, and the jobs that follow from it."""

    result: Mapping[str, Any]
    then: Sequence[NewJob] = ()


def work_off(workspace: Workspace, job: Job, *, at: datetime, progress: Progress) -> Worked:
    """Do what a job asks for; raises what the journey raises."""
    return _WORK[job.kind](workspace, job, at, progress)


def events_about(
    workspace: Workspace, event: str, claims: Sequence[Claim], *, account_ids: Sequence[str] = (), step: str = ""
) -> list[NewJob]:
    """Return the webhooks that tell of claims, each to its party and to these accounts; told twice is told once.

    ``step`` tells one change of a claim from another.
    """
    names = workspace.claims.names({claim.party_id for claim in claims})
    jobs = []
    for claim in claims:
        concerned = workspace.subscriptions.concerned(event, account_ids=account_ids, party_ids=[claim.party_id])
        body = {"type": event, "claim": from_claim(claim, names)}
        jobs += [_told(s.id, s.account_id, f"{event}:{claim.id}:{step}", body) for s in concerned]
    return jobs


def events_of_notice(workspace: Workspace, stored: StoredNotice, told: Mapping[str, Any], *, step: str) -> list[NewJob]:
    """Return the webhooks that tell of a notice: to the parties whose claims it names, and to whoever uploaded."""
    parties = {workspace.claims.get(claim_id).claim.party_id for claim_id in stored.claim_ids}
    concerned = workspace.subscriptions.concerned(
        "notice.changed", account_ids=[*workspace.jobs.uploaders(stored.upload_sha256)], party_ids=[*parties]
    )
    body = {"type": "notice.changed", "notice": told}
    return [_told(s.id, s.account_id, f"notice.changed:{stored.id}:{step}", body) for s in concerned]


def _events_done(workspace: Workspace, job: Job, event: str, **told: object) -> list[NewJob]:
    """Return the webhooks that tell whoever asked for a job what it came to."""
    concerned = workspace.subscriptions.concerned(event, account_ids=[job.account_id])
    body = {"type": event, "id": job.id, **told}
    return [_told(s.id, s.account_id, f"{event}:{job.id}", body) for s in concerned]


def _told(subscription_id: str, account_id: str, what: str, body: Mapping[str, Any]) -> NewJob:
    payload = {"subscription": subscription_id, "body": json.dumps(body, ensure_ascii=False, sort_keys=True)}
    return NewJob(JobKind.WEBHOOK, account_id, payload, request_key=f"webhook:{subscription_id}:{what}")


def _trace(workspace: Workspace, job: Job, at: datetime, progress: Progress) -> Worked:
    name, path = job.payload["name"], _upload(workspace, job.payload)
    # An index that is open for writing keeps others out: to listen, reading will do.
    with Workspace(workspace.folder, database_url=workspace.database_url) as listening:
        notes = trace(listening, path)
    progress(1, 2, notes.upload.duration_s if notes.upload else 0.0)
    notes = replace(notes, path=name)
    claims: list[Claim] = []
    if notes.upload is not None:
        sha256 = notes.upload.sha256
        if job.payload["claim"]:
            heard = TracedUpload(name, name, sha256, notes.evidence, [])
            propose(workspace, heard, at=at, uploaded_at=job.created_at)
        claims = claims_of(workspace, [sha256])[sha256]
    names = workspace.claims.names({claim.party_id for claim in claims})
    told = _nameless(path, name, from_trace(notes, claims=claims, names=names))
    waveform = "" if notes.upload is None else packed(notes.upload.waveform)
    then = _events_done(workspace, job, "trace.done", notes=told)
    return Worked({"notes": told, "waveform": waveform}, [*then, *events_about(workspace, "claim.proposed", claims)])


def _master(workspace: Workspace, job: Job, at: datetime, progress: Progress) -> Worked:
    del at
    made = master_order(workspace, job, progress)
    return Worked(made, _events_done(workspace, job, "master.done", made=made))


def _catalogue_import(workspace: Workspace, job: Job, at: datetime, progress: Progress) -> Worked:
    del at
    path, on = _upload(workspace, job.payload), job.payload.get("on")
    day = date.fromisoformat(on) if on else None
    done = import_files(workspace, [path], on=day, progress=lambda n, of: progress(n, of, 0.0), jobs=1)
    told = asdict(done) | {"n_problems": len(done.problems)}
    told["problems"] = told["problems"][:_PROBLEMS_MAX]
    return Worked(_nameless(path, job.payload["name"], told))


def _usage_import(workspace: Workspace, job: Job, at: datetime, progress: Progress) -> Worked:
    path = _upload(workspace, job.payload)
    done = import_usage(workspace, [path], at=at, progress=progress)
    told = {
        "imported": [report.id for report in done.reports],
        "already": [report.id for report in done.already],
        "n_lines": sum(report.n_lines for report in done.reports),
        "n_faulty": sum(report.n_faulty for report in done.reports),
        "ignored_columns": list(done.ignored_columns),
        "problems": [asdict(problem) for problem in done.problems[:_PROBLEMS_MAX]],
    }
    return Worked(_nameless(path, job.payload["name"], told))


def _royalty_run(workspace: Workspace, job: Job, at: datetime, progress: Progress) -> Worked:
    del progress
    done = run_royalties(workspace, job.payload["period"], at=at, close=job.payload["close"])
    told = asdict(done) | {"divided": list(done.divided), "received": dict(done.received)}
    return Worked(json.loads(json.dumps(told)))


def _webhook(workspace: Workspace, job: Job, at: datetime, progress: Progress) -> Worked:
    del progress
    try:
        subscription = workspace.subscriptions.get(job.payload["subscription"])
    except NotFoundError:
        return Worked({"status": 0, "text": "nobody subscribes to it any more"})
    answer = webhook.post(
        subscription.url,
        job.payload["body"].encode(),
        secret=key(workspace, f"webhook-{subscription.id}"),
        idempotency_key=job.id,
        timestamp=int(at.timestamp()),
        timeout_s=_WEBHOOK_TIMEOUT_S,
        private_allowed=subscription.private_allowed,
    )
    if answer.is_delivered:
        return Worked({"status": answer.status, "text": answer.text[:200]})
    message = f"{subscription.url}: {answer.status} {answer.text[:200]}"
    raise (UnavailableError if answer.may_be_tried_again else InputError)(message, code="webhook")


_WORK: Mapping[JobKind, Callable[[Workspace, Job, datetime, Progress], Worked]] = {
    JobKind.TRACE: _trace,
    JobKind.MASTER: _master,
    JobKind.CATALOGUE_IMPORT: _catalogue_import,
    JobKind.USAGE_IMPORT: _usage_import,
    JobKind.ROYALTY_RUN: _royalty_run,
    JobKind.WEBHOOK: _webhook,
}


def _upload(workspace: Workspace, payload: Mapping[str, Any]) -> Path:
    return path_of(workspace, payload["sha256"], payload["file"])


def _nameless(path: Path, name: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """Call an upload what its sender calls it, wherever it is named: where it is kept is nobody's business."""
    text = json.dumps(told, ensure_ascii=False, default=str)
    quoted = json.dumps(name, ensure_ascii=False)[1:-1]
    told_again: dict[str, Any] = json.loads(text.replace(str(path), quoted))
    return told_again
