"""Trace uploads: what each was made from, where, and who belongs in its liner notes."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Protocol

from linernotes import audio
from linernotes.analyse import fingerprint, synthetic
from linernotes.errors import InputError, ParameterError, UnavailableError
from linernotes.formats import wording
from linernotes.journeys.listening import Heard, Progress, file_sha256, find_audio, hear, likeness, over_cores
from linernotes.model import (
    Credit,
    Evidence,
    EvidenceKind,
    Match,
    Problem,
    RecordingEntry,
    Reference,
    RightType,
    Role,
    Synthetic,
    Trace,
)
from linernotes.workspace import Workspace

__all__ = ["EARS", "THRESHOLD", "Done", "trace", "trace_many"]

THRESHOLD = fingerprint.THRESHOLD

SYNTHETIC = "synthetic"

EARS = (SYNTHETIC, EvidenceKind.RECORDING.value)
"""What this version can listen for; the values of ``--only``."""


class Done(Protocol):
    """What knows which files need no tracing."""

    def has(self, path: Path) -> bool:
        """Tell whether the notes of this very file are there."""


_PLANNED_EARS = frozenset({"version", "melody", "voice", "lyrics", "training"})
_RIGHT_OF_ROLE = {
    Role.WRITER: RightType.PERFORMANCE,
    Role.ARRANGER: RightType.PERFORMANCE,
    Role.PUBLISHER: RightType.PERFORMANCE,
    Role.PERFORMER: RightType.MASTER,
    Role.PRODUCER: RightType.MASTER,
    Role.LABEL: RightType.MASTER,
}


def trace(workspace: Workspace, path: Path | str, *, only: Collection[str] = EARS, least: float = THRESHOLD) -> Trace:
    """Write the liner notes of one upload; evidence is told from probability ``least`` on.

    A file that cannot be read gives a trace without upload whose ``problems`` say why.

    Raises
    ------
    ParameterError if ``only`` names what does not exist; UnavailableError if this version has no such ear
    """
    _check_ears(only)
    path = Path(path)
    with ThreadPoolExecutor(1) as pool:  # each ear decodes at its own rate, so that two cores hear at once
        judged = pool.submit(_judge, path) if SYNTHETIC in only else None
        try:
            heard = hear(path)
        except InputError as error:
            return Trace(
                str(path), None, workspace.index.revision, problems=[Problem(error.code, str(error), str(path))]
            )
        listens = EvidenceKind.RECORDING.value in only
        alike = partial(_likeness, workspace, path)
        found = (
            fingerprint.match(heard.fingerprint, workspace.index, threshold=least, likeness=alike) if listens else []
        )
        # The index may hold what a killed registration never entered into the catalogue.
        known = workspace.catalogue.known({match.recording_id for match in found})
        entries = {recording_id: workspace.catalogue.entry(recording_id) for recording_id in sorted(known)}
        matches = [match for match in found if match.recording_id in entries]
        return Trace(
            path=str(path),
            upload=heard.upload,
            index_revision=workspace.index.revision,
            evidence=[_evidence(match, entries[match.recording_id], heard) for match in matches],
            credits=_credits(matches, entries),
            problems=heard.damage,
            synthetic=judged.result() if judged else None,
        )


def _likeness(workspace: Workspace, path: Path, match: Match) -> float | None:
    """Compare an upload with a recording whose file is where it was registered, and the same."""
    if not workspace.catalogue.known({match.recording_id}):
        return None
    recording = workspace.catalogue.entry(match.recording_id).recording
    registered = Path(recording.path)
    if not registered.is_file() or file_sha256(registered) != recording.sha256:
        return None
    return likeness(path, registered, match)


def _judge(path: Path) -> Synthetic | None:
    """Ask who made a file; None where it cannot be read, which :func:`hear` tells."""
    try:
        with audio.decode(path, sample_rate_hz=synthetic.SAMPLE_RATE_HZ, channels=2) as sound:
            return synthetic.judge(sound, source_rate_hz=sound.info.sample_rate_hz)
    except InputError:
        return None


def trace_many(
    workspace: Workspace,
    paths: Iterable[Path],
    *,
    only: Collection[str] = EARS,
    least: float = THRESHOLD,
    done: Done | None = None,
    progress: Progress | None = None,
    jobs: int | None = None,
) -> Iterator[Trace]:
    """Trace files and folders of them over all cores and yield their liner notes in order; see :func:`trace`.

    ``done.has(path)`` tells which files to leave out, ``jobs`` is how many are heard at a time.
    """
    _check_ears(only)
    revision = workspace.index.revision
    files, missing = find_audio(paths)
    for problem in missing:
        yield Trace(problem.where, None, revision, problems=[problem])
    todo = [path for path in files if done is None or not done.has(path)]
    workspace.catalogue  # noqa: B018  (opened once, before the threads)
    audio_s = 0.0
    for n_done, notes in enumerate(
        over_cores(lambda path: trace(workspace, path, only=only, least=least), todo, jobs=jobs), 1
    ):
        audio_s += notes.upload.duration_s if notes.upload else 0.0
        if progress is not None:
            progress(n_done, len(todo), audio_s)
        yield notes


def _check_ears(only: Collection[str]) -> None:
    for name in only:
        if name in _PLANNED_EARS:
            raise UnavailableError(f"this version cannot listen for {name!r} yet; it listens for {', '.join(EARS)}")
        if name not in EARS:
            raise ParameterError(f"--only {name!r}: it listens for {', '.join(EARS)}")


def _evidence(match: Match, entry: RecordingEntry, heard: Heard) -> Evidence:
    recording = entry.recording
    return Evidence(
        kind=EvidenceKind.RECORDING,
        reference=Reference(
            id=recording.id,
            title=recording.title,
            artist=recording.artist,
            isrc=recording.isrc,
            iswc=entry.work.iswc if entry.work else None,
        ),
        query_start_s=match.query_start_s,
        query_stop_s=match.query_stop_s,
        reference_start_s=match.reference_start_s,
        reference_stop_s=match.reference_stop_s,
        score=match.score,
        probability=match.probability,
        transform=match.transform,
        explanation=_explanation(match, entry, heard),
        parameter_id=heard.fingerprint.parameter_id,
    )


def _explanation(match: Match, entry: RecordingEntry, heard: Heard) -> str:
    length_s = match.query_stop_s - match.query_start_s
    whole = length_s > 0.95 * heard.upload.duration_s
    used = min(1.0, (match.reference_stop_s - match.reference_start_s) / entry.recording.duration_s)
    where = "throughout the upload" if whole else f"for {length_s:.1f} s of the upload"
    change = wording.change(match.transform) or "unchanged"
    return f"This very recording sounds {where}, {change}; {100 * used:.0f}\N{NO-BREAK SPACE}% of it is used."


def _credits(matches: Sequence[Match], entries: dict[str, RecordingEntry]) -> list[Credit]:
    """List everybody who made what was heard, in the order it was heard; a share only where one is stated."""
    credited: dict[tuple[str, Role, str], Credit] = {}
    for match in matches:
        entry = entries[match.recording_id]
        names = {party.id: party.name for party in entry.parties}
        held = {(s.subject_id, s.party_id, s.right_type): s.fraction for s in entry.shares}
        for did in sorted(entry.contributions, key=lambda did: (list(Role).index(did.role), names[did.party_id])):
            right = _RIGHT_OF_ROLE.get(did.role) or _right_in(did.subject_id, entry)
            credited.setdefault(
                (did.party_id, did.role, did.subject_id),
                Credit(
                    party=names[did.party_id],
                    role=did.role,
                    share=held.get((did.subject_id, did.party_id, right)),
                    because=f"{entry.recording.title}, heard at {wording.clock(match.query_start_s)}",
                ),
            )
    return list(credited.values())


def _right_in(subject_id: str, entry: RecordingEntry) -> RightType:
    """Say which right stands for an heir, who takes the place of anybody: a work's or a recording's."""
    return RightType.MASTER if subject_id == entry.recording.id else RightType.PERFORMANCE
