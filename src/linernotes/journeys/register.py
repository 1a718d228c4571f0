"""Register recordings: into the catalogue with who made them, into the index with how they sound.

A batch never stops at a bad file. What was committed stays: after a kill, the same command does the rest.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from linernotes import identifiers
from linernotes.errors import ConflictError, IdentifierError, InputError
from linernotes.formats.tables import OF_WORK, Metadata, MetadataTable, PartyLine, read_metadata
from linernotes.journeys.listening import Heard, Progress, file_sha256, find_audio, hear, over_cores
from linernotes.journeys.naming import party_ids, work_id
from linernotes.model import Contribution, Party, Problem, Recording, RecordingEntry, RightType, Role, Share, Work
from linernotes.rights import shares, territories
from linernotes.store.catalogue import content_id
from linernotes.workspace import Workspace

__all__ = ["Registered", "register"]

_BATCH_RECORDINGS = 64
_BATCH_S = 5.0  # a kill loses about this much work


@dataclass(slots=True)
class Registered:
    """What a registration did: new recordings, files that were here already, what could not be done."""

    recordings: list[Recording] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    ignored_columns: Sequence[str] = ()
    audio_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A file, and what came of hearing it; neither heard nor a problem where it was here already."""

    path: Path
    heard: Heard | None = None
    problem: Problem | None = None


def register(
    workspace: Workspace,
    paths: Sequence[Path | str],
    *,
    metadata: Path | str | None = None,
    progress: Progress | None = None,
    jobs: int | None = None,
) -> Registered:
    """Register sound files and folders of them.

    Parameters
    ----------
    workspace : opened ``writable``
    paths : files and folders; none at all means the files that ``metadata`` names
    metadata : a table as :mod:`linernotes.formats.tables` reads it; what it says outranks the tags in the files
    jobs : files heard at a time; one for each core where None

    Returns
    -------
    what was done; faulty files and lines are in ``problems``

    Raises
    ------
    FormatError if ``metadata`` is no such table; ConflictError if another process is registering here
    """
    table = _Table(Path(metadata) if metadata else None)
    files, missing = find_audio(map(Path, paths) if paths else table.files())
    wanted = [path for path in files if not table.is_faulty(path)]
    result = Registered(problems=[*table.problems, *missing], ignored_columns=table.ignored)
    index, catalogue = workspace.index, workspace.catalogue

    def try_to_hear(path: Path) -> _Candidate:
        try:
            recording_id = content_id("rec", file_sha256(path))
            if recording_id in index and catalogue.known([recording_id]):
                return _Candidate(path)
            return _Candidate(path, heard=hear(path))
        except InputError as error:
            return _Candidate(path, problem=Problem(error.code, str(error), str(path)))

    batch: list[Heard] = []
    committed_s = time.monotonic()
    for n_done, candidate in enumerate(over_cores(try_to_hear, wanted, jobs=jobs), 1):
        if candidate.heard is not None:
            batch.append(candidate.heard)
            result.audio_s += candidate.heard.upload.duration_s
        elif candidate.problem is not None:
            result.problems.append(candidate.problem)
        else:
            result.already.append(str(candidate.path))
        if len(batch) >= _BATCH_RECORDINGS or time.monotonic() - committed_s > _BATCH_S or n_done == len(wanted):
            _commit(workspace, batch, table, result)
            batch, committed_s = [], time.monotonic()
        if progress is not None:
            progress(n_done, len(wanted), result.audio_s)
    index.merge()
    return result


def _commit(workspace: Workspace, batch: Sequence[Heard], table: "_Table", result: Registered) -> None:
    """Keep what was heard; fingerprints first, for the index counts only where the catalogue knows the recording."""
    entries: dict[str, tuple[RecordingEntry, Heard]] = {}
    for heard in batch:
        if any(damage.code == "truncated" for damage in heard.damage):
            result.problems += [
                Problem(d.code, f"{d.message}; not registered: export it again", d.where) for d in heard.damage
            ]
            continue
        entry, problems = _entry(heard, table.row(Path(heard.upload.path)))
        result.problems += [*heard.damage, *problems]
        if entry.recording.id in entries:
            result.already.append(heard.upload.path)
        else:
            entries[entry.recording.id] = entry, heard
    workspace.index.add({key: heard.fingerprint for key, (_, heard) in entries.items()})
    refused = []
    for entry, heard in entries.values():
        try:
            workspace.catalogue.add(entry)
            result.recordings.append(entry.recording)
        except ConflictError as error:
            refused.append(entry.recording.id)
            result.problems.append(Problem(error.code, str(error), heard.upload.path))
    if refused:
        workspace.index.remove(refused)


class _Table:
    """The metadata table, looked up by place where a line names a file that is there, else by the path's end."""

    def __init__(self, path: Path | None) -> None:
        table = MetadataTable([], [], frozenset(), [])
        if path is not None:
            table = read_metadata(path, territory=territories.territory)
        self._folder = path.parent if path is not None else Path()
        self.problems, self.ignored = table.problems, table.ignored
        self._rows = {self._key(row.file): row for row in table.rows}
        self._faulty = {self._key(file) for file in table.faulty_files}

    def _key(self, file: str) -> tuple[str, ...]:
        place = self._folder / file
        return (place.resolve() if place.exists() else Path(file)).parts

    def files(self) -> list[Path]:
        """List the files that good lines name, relative to the table."""
        return [self._folder / row.file for row in self._rows.values()]

    def row(self, path: Path) -> Metadata | None:
        """Return what the table says of this file."""
        return next((self._rows[end] for end in _ends(path) if end in self._rows), None)

    def is_faulty(self, path: Path) -> bool:
        """Tell whether the line about this file could not be read."""
        return any(end in self._faulty for end in _ends(path))


def _ends(path: Path) -> Iterator[tuple[str, ...]]:
    """Yield a file's whole path, then its shorter and shorter ends."""
    parts = path.resolve().parts
    return (parts[start:] for start in range(len(parts)))


def _entry(heard: Heard, row: Metadata | None) -> tuple[RecordingEntry, list[Problem]]:
    """Put together what the table and the file's own tags say; the table outranks the tags."""
    upload, path = heard.upload, Path(heard.upload.path)
    row = row or Metadata(file=path.name, where=str(path))
    tags, problems = _from_tags(heard)
    title = row.title or tags.title or path.stem
    lines = _one_role_from_one_source(row.parties, tags.parties)
    ids = party_ids(lines)
    recording_id = content_id("rec", upload.sha256)
    work = None
    if row.has_work or any(line.role in OF_WORK for line in lines):
        name, writers = row.work_title or title, [line.name for line in lines if line.role is Role.WRITER]
        work = Work(row.work_id or work_id(name, row.iswc, writers), name, row.iswc)
    recording = Recording(
        id=recording_id,
        title=title,
        artist=row.artist or tags.artist or "",
        sha256=upload.sha256,
        path=str(path.resolve()),
        duration_s=upload.duration_s,
        sample_rate_hz=upload.sample_rate_hz,
        channels=upload.channels,
        isrc=row.isrc or tags.isrc,
        work_id=work.id if work else None,
        year=row.year or tags.year,
        contains_ai=row.contains_ai,
    )
    parties: dict[str, Party] = {}
    contributions, held = [], []
    for line, key in zip(lines, ids, strict=True):
        parties[key] = _party(line, key, parties.get(key))
        subject_id = work.id if work is not None and line.role in OF_WORK else recording_id
        contributions.append(Contribution(subject_id, key, line.role, line.contains_ai))
        rights = line.rights or (shares.WORK_RIGHTS if line.role in OF_WORK else (RightType.MASTER,))
        terms = (line.territory, line.valid_from, line.valid_to)
        held += [Share(subject_id, key, right, line.share, *terms) for right in rights if line.share is not None]
    entry = RecordingEntry(recording, work, list(parties.values()), contributions, shares.combined(held))
    return entry, problems


def _party(line: PartyLine, key: str, known: Party | None) -> Party:
    told = {} if known is None else {name: getattr(known, name) for name in line.identifiers if getattr(known, name)}
    name = " ".join(line.name.split())
    return replace(known or Party(key, name), **{**line.identifiers, **told})


def _one_role_from_one_source(table: Sequence[PartyLine], tags: Sequence[PartyLine]) -> list[PartyLine]:
    told = {line.role for line in table}
    return [*table, *(line for line in tags if line.role not in told)]


def _from_tags(heard: Heard) -> tuple[Metadata, list[Problem]]:
    """Read the tags that the common formats share; one that cannot be read is a problem, not a refusal."""
    tags, where = heard.info.tags, heard.upload.path
    problems = []
    isrc = None
    if text := tags.get("isrc") or tags.get("tsrc"):
        try:
            isrc = identifiers.isrc(text)
        except IdentifierError as error:
            problems.append(Problem(error.code, f"{where}: {error}; registered without it", where))
    lines = []
    for role, names in (
        (Role.PERFORMER, ("artist", "album_artist")),
        (Role.WRITER, ("composer",)),
        (Role.LABEL, ("label", "organization", "publisher")),
    ):
        if text := next((tags[name] for name in names if tags.get(name)), None):
            lines += [PartyLine(name.strip(), role) for name in text.split(";") if name.strip()]
    year = next((tags[name][:4] for name in ("date", "year") if tags.get(name, "")[:4].isdigit()), None)
    artist = ", ".join(line.name for line in lines if line.role is Role.PERFORMER) or None
    return Metadata(
        file="",
        where=where,
        title=tags.get("title"),
        artist=artist,
        isrc=isrc,
        year=int(year) if year else None,
        parties=lines,
    ), problems
