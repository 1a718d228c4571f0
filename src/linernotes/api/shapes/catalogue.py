"""What the catalogue says."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from linernotes.api.shapes.common import Out, Reason

__all__ = ["Correction", "EntryOut", "Found", "FoundRecording"]


class Correction(Reason):
    """What is corrected from the day ``on``, today without it."""

    title: Annotated[str | None, Field(min_length=1, max_length=500, pattern=r"\S")] = None
    artist: Annotated[str | None, Field(min_length=1, max_length=500, pattern=r"\S")] = None
    year: Annotated[int | None, Field(ge=1850, le=2100)] = None
    on: date | None = None


class FoundRecording(Out):
    """A recording that was found."""

    id: str
    title: str
    artist: str
    isrc: str | None
    year: int | None
    work_id: str | None
    work_title: str | None
    duration_s: float


class Found(Out):
    """Recordings in order of id."""

    items: list[FoundRecording]
    next: str | None


class EntryOut(Out):
    """All that the catalogue says of a thing; what is said of it and of its parties is by id."""

    recordings: list[dict[str, Any]]
    works: dict[str, dict[str, Any]]
    parties: dict[str, dict[str, Any]]
    contributions: dict[str, list[dict[str, Any]]]
    shares: dict[str, list[dict[str, Any]]]
    voices: dict[str, dict[str, Any]]
    model_releases: dict[str, dict[str, Any]]
    history: Annotated[list[dict[str, Any]], Field(description="what fields said before, until when")]
