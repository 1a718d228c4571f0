"""Uploads and their liner notes."""

from typing import Any

from linernotes.api.shapes.common import Out
from linernotes.api.shapes.jobs import JobOut

__all__ = ["NotesOut", "TraceOut", "WaveformOut"]


class NotesOut(Out):
    """The liner notes of an upload: what ``trace --json`` writes."""

    query: dict[str, Any]
    synthetic: dict[str, Any] | None
    evidence: list[dict[str, Any]]
    provenance: dict[str, Any] | None
    claims: list[dict[str, Any]] | None
    credits: list[dict[str, Any]]
    problems: list[dict[str, Any]]


class TraceOut(JobOut):
    """An upload; ``notes`` is there once it has been heard."""

    notes: NotesOut | None


class WaveformOut(Out):
    """What is drawn of a sound: lowest and highest sample of equal stretches, from -1 to 1."""

    waveform: list[tuple[float, float]]
