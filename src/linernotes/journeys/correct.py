"""Correct what the catalogue says of a recording or a work, from a day on; what it said before stays answerable."""

import csv
import tempfile
from datetime import date, datetime
from pathlib import Path

from linernotes.errors import ConflictError, NotFoundError, ParameterError
from linernotes.journeys.catalogue import import_files
from linernotes.workspace import Workspace

__all__ = ["correct"]


def correct(
    workspace: Workspace,
    subject_id: str,
    *,
    on: date,
    actor: str,
    why: str,
    at: datetime,
    title: str | None = None,
    artist: str | None = None,
    year: int | None = None,
) -> None:
    """Let title, artist or year of a recording, or the title of a work, be another from the day ``on``.

    It goes the way that every table goes, as one line of it.

    Raises
    ------
    NotFoundError if there is no such recording or work; ParameterError if there is nothing to correct
    ConflictError if it changed on a later day already
    """
    page = workspace.catalogue.page_of(subject_id)
    told = {"title": title, "display_artist": artist, "year": None if year is None else str(year)}
    if not why.strip():
        raise ParameterError("say why: the audit chain keeps it")
    if any(recording.id == subject_id for recording in page.recordings):
        recording = next(recording for recording in page.recordings if recording.id == subject_id)
        row = {"id": subject_id, "isrc": recording.isrc, **told, "title": title or recording.title}
    elif subject_id in page.works:
        row = {"work_id": subject_id, "work_title": title, "iswc": page.works[subject_id].iswc}
        if artist is not None or year is not None:
            raise ParameterError("of a work the title can be corrected; artist and year are a recording's")
    else:
        raise NotFoundError(f"no recording or work {subject_id!r}")
    given = {name: value for name, value in row.items() if value}
    if not any(value is not None for value in (title, artist, year)):
        raise ParameterError("nothing to correct: give a title, an artist or a year")
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "correction.csv"
        with table.open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle).writerows([given.keys(), given.values()])
        done = import_files(workspace, [table], on=on, jobs=1)
    if done.problems:
        raise ConflictError("; ".join(problem.message for problem in done.problems), code="differs")
    changed = {name: value for name, value in told.items() if value} | {"from": on.isoformat()}
    workspace.accounts.note("catalogue-correction", subject_id, changed, actor=actor, why=why, at=at)
