"""Records as JSON: the contract of ``trace --json`` above all. Fields may be added, never renamed.

What this version has no ear for is null, never empty: an empty list means that it listened and heard nothing.
"""

from dataclasses import asdict
from typing import Any

from linernotes.model import Evidence, Problem, Recording, RecordingEntry, Trace

__all__ = ["from_entry", "from_problem", "from_recording", "from_trace"]

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


def from_trace(trace: Trace) -> dict[str, Any]:
    """Return the liner notes of an upload as JSON's types; times rounded to a millisecond."""
    upload = trace.upload
    return {
        "query": {
            "path": trace.path,
            "sha256": upload and upload.sha256,
            "duration_s": upload and round(upload.duration_s, _TIME_DIGITS),
            "sample_rate_hz": upload and upload.sample_rate_hz,
            "channels": upload and upload.channels,
        },
        "synthetic": None,
        "evidence": [_from_evidence(evidence) for evidence in trace.evidence],
        "provenance": {"c2pa": None, "watermark": None, "disclosure": None},
        "claims": None,
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
