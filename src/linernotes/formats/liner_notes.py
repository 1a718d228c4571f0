"""Records as JSON: the contract of ``trace --json`` above all. Fields may be added, never renamed.

What this version has no ear for is null, never empty: an empty list means that it listened and heard nothing. Notes are
read back too, with every kind of evidence that can be claimed, whoever heard it.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from linernotes.errors import FormatError
from linernotes.model import (
    Claim,
    ClaimStep,
    Credit,
    Evidence,
    EvidenceKind,
    Policy,
    Problem,
    Recording,
    RecordingEntry,
    Reference,
    Role,
    Synthetic,
    SyntheticBand,
    SyntheticSegment,
    SyntheticVerdict,
    Trace,
    Transform,
    Upload,
)

__all__ = [
    "TracedUpload",
    "evidence_of",
    "from_claim",
    "from_entry",
    "from_policy",
    "from_problem",
    "from_recording",
    "from_step",
    "from_trace",
    "read_traces",
    "trace_of",
]

_LINE_CHARACTERS_MAX = 20_000_000

_TIME_DIGITS = 3
_PROBABILITY_DIGITS = 6


def from_problem(problem: Problem) -> dict[str, Any]:
    """Return a problem as JSON's types."""
    return {"code": problem.code, "message": problem.message, "where": problem.where}


def from_recording(recording: Recording) -> dict[str, Any]:
    """Return a recording as JSON's types."""
    return asdict(recording)


def from_entry(entry: RecordingEntry) -> dict[str, Any]:
    """Return a recording with its work, parties, roles and shares as JSON's types; shares are exact fractions."""
    return {
        "recording": from_recording(entry.recording),
        "work": entry.work and asdict(entry.work),
        "parties": [asdict(party) for party in entry.parties],
        "contributions": [asdict(contribution) for contribution in entry.contributions],
        "shares": [
            {
                "subject_id": share.subject_id,
                "party_id": share.party_id,
                "right_type": share.right_type.value,
                "fraction": str(share.fraction),
                "territory": share.territory,
                "valid_from": share.valid_from and share.valid_from.isoformat(),
                "valid_to": share.valid_to and share.valid_to.isoformat(),
            }
            for share in entry.shares
        ],
    }


def from_trace(
    trace: Trace, *, claims: Sequence[Claim] | None = None, names: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the liner notes of an upload as JSON's types; times rounded to a millisecond.

    ``claims``: those on this upload, None where nobody looked; ``names``: of their parties, by id.
    """
    upload = trace.upload
    return {
        "query": {
            "path": trace.path,
            "sha256": upload and upload.sha256,
            "duration_s": upload and round(upload.duration_s, _TIME_DIGITS),
            "sample_rate_hz": upload and upload.sample_rate_hz,
            "channels": upload and upload.channels,
        },
        "synthetic": trace.synthetic and _from_synthetic(trace.synthetic),
        "evidence": [_from_evidence(evidence) for evidence in trace.evidence],
        "provenance": {"c2pa": None, "watermark": None, "disclosure": None},
        "claims": None if claims is None else [from_claim(claim, names or {}) for claim in claims],
        "credits": [
            {
                "party": credit.party,
                "role": credit.role.value,
                "share": None if credit.share is None else str(credit.share),
                "because": credit.because,
            }
            for credit in trace.credits
        ],
        "problems": [from_problem(problem) for problem in trace.problems],
        "index_revision": trace.index_revision,
    }


def _from_synthetic(found: Synthetic) -> dict[str, Any]:
    return {
        "verdict": found.verdict.value,
        "probability": round(found.probability, _PROBABILITY_DIGITS),
        "family": found.family,
        "segments": [
            {
                "start_s": round(each.start_s, _TIME_DIGITS),
                "stop_s": round(each.stop_s, _TIME_DIGITS),
                "probability": round(each.probability, _PROBABILITY_DIGITS),
            }
            for each in found.segments
        ],
        "bands": [
            {
                "start_s": round(each.start_s, _TIME_DIGITS),
                "stop_s": round(each.stop_s, _TIME_DIGITS),
                "start_hz": round(each.start_hz, 1),
                "stop_hz": round(each.stop_hz, 1),
                "weight": round(each.weight, 3),
            }
            for each in found.bands
        ],
        "reasons": list(found.reasons),
        "model_id": found.model_id,
    }


def from_claim(claim: Claim, names: Mapping[str, str]) -> dict[str, Any]:
    """Return a claim as JSON's types; ``names``: of parties, by id."""
    return {
        "id": claim.id,
        "party": names.get(claim.party_id, claim.party_id),
        "party_id": claim.party_id,
        "right": claim.right_type.value,
        "use": claim.use_type.value,
        "subject_id": claim.subject_id,
        "action": claim.action.value,
        "share": None if claim.share is None else str(claim.share),
        "side": claim.side and claim.side.value,
        "state": claim.state.value,
        "obstacles": [obstacle.value for obstacle in claim.obstacles],
        "exceptions": [
            {
                "territory": rule.territory,
                "action": rule.action.value,
                "share": None if rule.share is None else str(rule.share),
                "side": rule.side and rule.side.value,
            }
            for rule in claim.exceptions
        ],
        "because": list(claim.because),
        "policy_id": claim.policy_id,
        "upload": {"sha256": claim.upload_sha256, "path": claim.upload_path},
        "evidence": _from_evidence(claim.evidence) | {"id": claim.evidence_id},
    }


def from_step(step: ClaimStep) -> dict[str, Any]:
    """Return a step of a claim's history as JSON's types."""
    return {
        "command": step.command,
        "state": step.state.value,
        "action": step.action.value,
        "by": step.actor,
        "why": step.why,
        "at": step.at.isoformat(),
    }


def from_policy(policy: Policy, names: Mapping[str, str]) -> dict[str, Any]:
    """Return a standing rule as JSON's types; its exact numbers are text."""
    return {
        "id": policy.id,
        "party": names.get(policy.party_id, policy.party_id),
        "party_id": policy.party_id,
        "use": policy.use_type.value,
        "action": policy.action.value,
        "share": None if policy.share is None else str(policy.share),
        "side": policy.side and policy.side.value,
        "territory": policy.territory,
        "match_length_min_s": str(policy.match_length_min_s),
        "probability_min": str(policy.probability_min),
        "subject_id": policy.subject_id,
        "valid_from": policy.valid_from and policy.valid_from.isoformat(),
        "valid_to": policy.valid_to and policy.valid_to.isoformat(),
    }


def _from_evidence(evidence: Evidence) -> dict[str, Any]:
    reference, transform = evidence.reference, evidence.transform
    return {
        "kind": evidence.kind.value,
        "reference": {
            "id": reference.id,
            "title": reference.title,
            "artist": reference.artist,
            "isrc": reference.isrc,
            "iswc": reference.iswc,
        },
        "query_start_s": round(evidence.query_start_s, _TIME_DIGITS),
        "query_stop_s": round(evidence.query_stop_s, _TIME_DIGITS),
        "reference_start_s": round(evidence.reference_start_s, _TIME_DIGITS),
        "reference_stop_s": round(evidence.reference_stop_s, _TIME_DIGITS),
        "score": round(evidence.score, _PROBABILITY_DIGITS),
        "probability": round(evidence.probability, _PROBABILITY_DIGITS),
        "transform": transform
        and {
            "pitch_semitones": round(transform.pitch_semitones, 3),
            "tempo_ratio": round(transform.tempo_ratio, 5),
        },
        "explanation": evidence.explanation,
        "parameter_id": evidence.parameter_id,
    }


# ── reading ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class TracedUpload:
    """What a line of liner notes says was heard, and the evidence in it that cannot be used."""

    where: str
    path: str
    sha256: str
    evidence: Sequence[Evidence]
    problems: Sequence[Problem]


def read_traces(path: Path) -> Iterator[TracedUpload | Problem]:
    """Read the lines that ``trace --json`` writes, one at a time; a line that is none is a problem.

    Raises FormatError if the file cannot be read as text.
    """
    try:
        with path.open(encoding="utf-8") as handle:
            number = 0
            while line := handle.readline(_LINE_CHARACTERS_MAX):
                number += 1
                if line.strip():
                    yield _read_trace(line, f"{path}:{number}")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from None


def _read_trace(line: str, where: str) -> TracedUpload | Problem:
    try:
        notes = json.loads(line, parse_constant=_refuse_constant)
        query, told = notes["query"], notes["evidence"]
        path, sha256 = query["path"], query["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return Problem("format", f"{where}: not a line of liner notes, as trace --json writes them", where)
    if not isinstance(path, str) or not _is_sha256(sha256) or not isinstance(told, list):
        return Problem("format", f"{where}: these notes are of no upload that could be read", where)
    evidence, problems = [], []
    for number, content in enumerate(told, 1):
        try:
            evidence.append(evidence_of(content))
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            place = f"{where} evidence {number}"
            fault = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            problems.append(Problem("evidence", f"{place}: {fault}; left out", place))
    return TracedUpload(where, path, sha256, evidence, problems)


def trace_of(notes: Mapping[str, Any], waveform: NDArray[np.float32], *, path: str | None = None) -> Trace:
    """Return the trace that :func:`from_trace` wrote, with its waveform, shape (n, 2); ``path``: where it is by now."""
    query = notes["query"]
    upload = query["sha256"] and Upload(
        path=path or query["path"],
        sha256=query["sha256"],
        duration_s=query["duration_s"],
        sample_rate_hz=query["sample_rate_hz"],
        channels=query["channels"],
        waveform=waveform,
    )
    return Trace(
        path=path or query["path"],
        upload=upload or None,
        index_revision=notes.get("index_revision", ""),
        evidence=[evidence_of(content) for content in notes["evidence"]],
        credits=[
            Credit(
                party=credit["party"],
                role=Role(credit["role"]),
                share=None if credit["share"] is None else Fraction(credit["share"]),
                because=credit["because"],
            )
            for credit in notes["credits"]
        ],
        problems=[Problem(**problem) for problem in notes["problems"]],
        synthetic=notes.get("synthetic") and _synthetic_of(notes["synthetic"]),
    )


def _synthetic_of(content: Mapping[str, Any]) -> Synthetic:
    return Synthetic(
        verdict=SyntheticVerdict(content["verdict"]),
        probability=content["probability"],
        family=content["family"],
        segments=[SyntheticSegment(**segment) for segment in content["segments"]],
        bands=[SyntheticBand(**band) for band in content["bands"]],
        reasons=content["reasons"],
        model_id=content["model_id"],
    )


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


def _is_sha256(text: object) -> bool:
    return isinstance(text, str) and len(text) == 64 and set(text) <= set("0123456789abcdef")


def evidence_of(content: Mapping[str, Any]) -> Evidence:
    """Read a piece of evidence; ValueError, KeyError or TypeError where it is none."""
    reference, transform = content["reference"], content.get("transform")
    evidence = Evidence(
        kind=EvidenceKind(content["kind"]),
        reference=Reference(
            id=str(reference["id"]),
            title=str(reference["title"]),
            artist=str(reference["artist"]),
            isrc=reference.get("isrc"),
            iswc=reference.get("iswc"),
        ),
        query_start_s=_number(content["query_start_s"]),
        query_stop_s=_number(content["query_stop_s"]),
        reference_start_s=_number(content["reference_start_s"]),
        reference_stop_s=_number(content["reference_stop_s"]),
        score=_number(content["score"]),
        probability=_number(content["probability"]),
        transform=transform and Transform(_number(transform["pitch_semitones"]), _number(transform["tempo_ratio"])),
        explanation=str(content["explanation"]),
        parameter_id=str(content.get("parameter_id", "")),
    )
    if not 0 <= evidence.query_start_s < evidence.query_stop_s:
        raise ValueError(f"it ends ({evidence.query_stop_s} s) before it begins ({evidence.query_start_s} s)")
    if not 0 <= evidence.probability <= 1:
        raise ValueError(f"{evidence.probability} is not a probability: 0 to 1")
    return evidence


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return float(value)
