"""Catalogues in: tables, CWR and ERN, told apart by what is in them; and what they leave to be settled.

A batch never stops at a bad line. What was entered stays: after a kill, the same command does the rest.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from linernotes.errors import FormatError, NotFoundError
from linernotes.formats.csv_lines import read_cells
from linernotes.formats.cwr import Acknowledgement, CwrReader, CwrWork
from linernotes.formats.ddex import ErnReader
from linernotes.formats.tables import Metadata, PartyLine, read_header
from linernotes.journeys.naming import voice_id
from linernotes.journeys.reading import in_other_processes, seldom_collected
from linernotes.journeys.table_rows import Statements, Told, from_lines, state
from linernotes.model import Problem, Recording, RightType, Role, Voice, Work
from linernotes.rights import shares, territories
from linernotes.store.batches import Batch
from linernotes.store.browsing import Page
from linernotes.store.entering import Entering
from linernotes.workspace import Workspace

__all__ = ["Checked", "Imported", "Page", "Progress", "check", "describe", "import_files", "recognise"]

Progress = Callable[[int, int], None]
"""Called with the lines read so far and 0, for nobody knows how many there are."""

_ALONE_BYTES_MAX = 8 << 20  # below, starting another process costs more than it saves
_ROWS_PER_BATCH = 2000


@dataclass(slots=True)
class Imported:
    """What an import did, and what is left to do: conflicts name the works whose shares no longer add up."""

    n_lines: int = 0
    n_faulty: int = 0
    n_parties: int = 0
    n_works: int = 0
    n_recordings: int = 0
    n_voices: int = 0
    n_model_releases: int = 0
    n_known: int = 0
    n_shares_ended: int = 0
    n_changed: int = 0
    formats: dict[str, str] = field(default_factory=dict)
    ignored_columns: list[str] = field(default_factory=list)
    acknowledgements: list[Acknowledgement] = field(default_factory=list)
    taken_down: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def recognise(path: Path) -> str:
    """Tell what a file is by how it begins: ``cwr``, ``ern`` or ``csv``; FormatError if it cannot be read."""
    try:
        with path.open("rb") as handle:
            start = handle.read(256)
    except OSError as error:
        raise FormatError(f"{path}: {error.strerror}") from None
    if start.startswith(b"HDR"):
        return "cwr"
    encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return "ern" if start.decode(encoding, errors="ignore").lstrip().startswith("<") else "csv"


def import_files(
    workspace: Workspace,
    paths: Sequence[Path],
    *,
    on: date | None = None,
    progress: Progress | None = None,
    jobs: int | None = None,
) -> Imported:
    """Enter what files say of works, recordings, parties and shares.

    Parameters
    ----------
    workspace : opened ``writable``
    on : what the files say holds from this day on, in place of what held; None adds shares to those that are there,
        and keeps the catalogue's own titles and the like
    jobs : processes that read; one for each core where None

    Returns
    -------
    what was done; faulty files, lines and records are in ``problems``
    """
    result = Imported()
    entering = Entering(on=on, voice_id=voice_id)
    if on is not None:
        entering.succeed = lambda held, stated: shares.succeed(held, stated, on=on)
    for path in paths:
        try:
            kind = recognise(path)
            result.formats[str(path)] = kind
            if kind == "csv":
                _import_table(workspace, path, entering, result, progress=progress, jobs=jobs or os.cpu_count() or 1)
            else:
                rows = _from_cwr(path, result) if kind == "cwr" else _from_ern(path, result)
                _import_rows(workspace, rows, entering, result)
        except FormatError as error:
            result.problems.append(Problem(error.code, str(error), str(path)))
    result.problems += entering.problems
    for name in ("parties", "works", "recordings", "voices", "model_releases", "known", "shares_ended", "changed"):
        setattr(result, f"n_{name}", getattr(entering, f"n_{name}"))
    for subject in sorted(entering.restated):
        result.problems += _conflicts(workspace.catalogue.page_of(subject), subject)
    return result


def _add(result: Imported, told: Told) -> None:
    result.n_lines += told.n_lines
    result.n_faulty += told.n_faulty
    result.problems += told.problems


# ── tables ───────────────────────────────────────────────────────────────────


def _import_table(
    workspace: Workspace,
    path: Path,
    entering: Entering,
    result: Imported,
    *,
    progress: Progress | None,
    jobs: int,
) -> None:
    header = read_header(path)
    if not {"title", "work_title", "voice", "model_release"} & set(header.columns):
        told = ", ".join(header.columns) or "empty"
        raise FormatError(
            f"{path}:1: no column 'title', 'work_title', 'voice' or 'model_release' in the header ({told})"
        )
    result.ignored_columns += [name for name in header.ignored if name not in result.ignored_columns]
    is_large = path.stat().st_size > _ALONE_BYTES_MAX

    def batches() -> Iterator[Batch]:
        n_lines = 0
        for told in _read_table(
            path, jobs=jobs if is_large else 1, is_helped=isinstance(workspace.catalogue.path, Path)
        ):
            _add(result, told)
            n_lines += told.n_lines
            if progress is not None:
                progress(n_lines, 0)
            yield told.batch

    with seldom_collected():
        workspace.catalogue.enter(entering, batches(), is_large=is_large)


def _read_table(path: Path, *, jobs: int, is_helped: bool) -> Iterator[Told]:
    """Yield what the lines say, in their order; read in other processes where there is enough to read."""
    if jobs > 1:
        yield from in_other_processes(path, jobs=jobs - 1, is_helped=is_helped)
        return
    header = read_header(path)
    for lines in read_cells(path, header):
        yield from_lines(path, header, lines)


# ── CWR and ERN ──────────────────────────────────────────────────────────────


def _import_rows(workspace: Workspace, rows: Iterator[Metadata], entering: Entering, result: Imported) -> None:
    def batches() -> Iterator[Batch]:
        said = Statements()
        for row in rows:
            said.n_lines += 1
            if row.says_something:
                state(said, row)
            else:
                said.n_faulty += 1
                said.problems.append(Problem("title", "no title: it cannot be entered", row.where))
            if said.n_lines >= _ROWS_PER_BATCH:
                yield finished(said)
                said = Statements()
        yield finished(said)

    def finished(said: Statements) -> Batch:
        told = Told.of(said)
        _add(result, told)
        return told.batch

    workspace.catalogue.enter(entering, batches())


def _from_cwr(path: Path, result: Imported) -> Iterator[Metadata]:
    reader = CwrReader(path)
    for work in reader:
        yield from _rows_of(work, result)
    result.acknowledgements += reader.acknowledgements
    result.problems += reader.problems


def _rows_of(work: CwrWork, result: Imported) -> Iterator[Metadata]:
    """Say a registration as lines of a table: one for each recording, or one for the work alone."""
    if not work.recordings:
        for name in work.performers:
            told = f"{work.title}: {name} performs it; no recording says which"
            result.problems.append(Problem("cwr_performer", told, work.where))
        yield Metadata("", work.where, iswc=work.iswc, parties=work.parties, work_title=work.title)
    performers = tuple(PartyLine(" ".join(name.split()), Role.PERFORMER) for name in work.performers)
    for recording in work.recordings:
        yield Metadata(
            "",
            work.where,
            title=recording.title or work.title,
            artist=recording.artist or ", ".join(line.name for line in performers) or None,
            isrc=recording.isrc,
            iswc=work.iswc,
            year=recording.year,
            parties=(*work.parties, *performers),
            work_title=work.title,
            duration_s=None if recording.duration_s is None else float(recording.duration_s),
        )


def _from_ern(path: Path, result: Imported) -> Iterator[Metadata]:
    reader = ErnReader(path, combine=territories.combined)
    named: list[str] = []
    for row in reader:
        named.append(row.isrc or row.title or row.where)
        yield row
    result.problems += reader.message.problems
    if reader.message.is_takedown:
        result.taken_down += named


# ── what held on a day ───────────────────────────────────────────────────────


def describe(workspace: Workspace, key: str, *, on: date | None = None) -> Page:
    """Return what is known of a recording, work, voice, model release or party.

    By id, ISRC, ISWC, IPI name number, ISNI or a party's whole name.

    With ``on``, as it was on that day: its shares, titles and the like. NotFoundError if it is not here,
    ConflictError if several parties have the name.
    """
    compact = key if "_" in key else re.sub(r"[\s.-]", "", key).upper()
    page = workspace.catalogue.page_of(compact)
    if not (page.recordings or page.works or page.parties):
        try:
            page = workspace.catalogue.page_of(workspace.claims.party(key))
        except NotFoundError:
            here = workspace.catalogue.path
            raise NotFoundError(f"no recording, work, voice, model release or party {key!r} in {here}") from None
    if on is None:
        return page
    then = workspace.catalogue.former(
        [*(r.id for r in page.recordings), *page.works, *page.voices, *page.model_releases], on
    )
    return replace(
        page,
        recordings=[replace(recording, **then.get(recording.id, {})) for recording in page.recordings],
        works={key: replace(work, **then.get(key, {})) for key, work in page.works.items()},
        voices={key: replace(voice, **then.get(key, {})) for key, voice in page.voices.items()},
        model_releases={key: replace(model, **then.get(key, {})) for key, model in page.model_releases.items()},
        shares={subject: shares.as_of(held, on) for subject, held in page.shares.items()},
    )


# ── do shares add up? ────────────────────────────────────────────────────────


@dataclass(slots=True)
class Checked:
    """What a check of the catalogue found: works and recordings looked at, findings by kind."""

    n_works: int = 0
    n_recordings: int = 0
    n_findings: Counter[str] = field(default_factory=Counter)


def check(workspace: Workspace, checked: Checked) -> Iterator[Problem]:
    """Go through the catalogue and yield where shares are missing, in conflict or said twice; counts in ``checked``."""
    seen: set[str] = set()  # a work with many recordings is on many pages
    for page in workspace.catalogue.pages():
        checked.n_recordings += len(page.recordings)
        new = [work for work in page.works.values() if work.id not in seen]
        checked.n_works += len(new)
        seen.update(work.id for work in new)
        found = [problem for work in new for problem in _problems(page, work, expected=shares.WORK_RIGHTS)]
        found += [problem for recording in page.recordings for problem in _problems(page, recording)]
        found += [problem for voice in page.voices.values() for problem in _problems(page, voice)]
        checked.n_findings.update(problem.code for problem in found)
        yield from found


def _problems(
    page: Page, subject: Work | Recording | Voice, *, expected: Sequence[RightType] = ()
) -> Iterator[Problem]:
    held = page.shares.get(subject.id, ())
    found = shares.check(subject.id, held, expected=expected)
    names = {party.id: party.name for party in page.parties.values()} if found else {}
    for finding in found:
        name = subject.name if isinstance(subject, Voice) else subject.title
        message = shares.explain(finding, name=name, names=names)
        yield Problem(f"shares_{finding.fault.value}", message, subject.id)


def _conflicts(page: Page, subject_id: str) -> list[Problem]:
    subject = (
        page.works.get(subject_id)
        or page.voices.get(subject_id)
        or next((recording for recording in page.recordings if recording.id == subject_id), None)
    )
    found = [] if subject is None else list(_problems(page, subject))
    return [problem for problem in found if problem.code != "shares_missing"]
