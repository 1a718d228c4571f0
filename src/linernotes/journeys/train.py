"""Train: scores whose owners said yes become a signed release of a model.

Conventions
-----------
The training set is a CSV with a header, in UTF-8: ``file`` (a score, relative to the table), ``recording`` (an ISRC,
an ISWC or an id of the catalogue), and ``style`` (a tag, may be empty). One missing consent, or one reservation in a
file, stops it and is named. A consent that an earlier release here had and that was withdrawn leaves its work out, and
is told.
"""

import csv
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from linernotes.errors import ConflictError, FormatError, InputError, NotFoundError, ParameterError
from linernotes.formats.reservations import reservations
from linernotes.formats.scores import read_score
from linernotes.journeys import releases
from linernotes.learn import signing
from linernotes.learn.copying import same_works
from linernotes.learn.leads import lead_sheet
from linernotes.learn.manifest import Given, Manifest, ManifestWork, content_sha256, duplicates
from linernotes.learn.release import write_release, write_tokens
from linernotes.learn.tokens import ANY_STYLE, Vocabulary
from linernotes.model import Problem
from linernotes.rights.consents import Consent
from linernotes.workspace import Workspace

if TYPE_CHECKING:
    from linernotes.learn.transformer import TransformerConfig

__all__ = ["SIZES", "Trained", "TrainingSet", "gather", "train"]

SIZES = ("standard", "small", "tiny")
_WORKS_MIN = 2
_STYLE_CHARACTERS_MAX = 40

Progress = Callable[[int, int, float], None]


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    path: Path
    key: str
    style: str


@dataclass(slots=True)
class TrainingSet:
    """Works with consent, their tokens in the same order, who was left out and why, and every problem."""

    vocabulary: Vocabulary
    works: list[ManifestWork] = field(default_factory=list)
    pieces: list[list[int]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Trained:
    """A release that was trained: where it lies, its manifest, what its training set costs it, what was passed over."""

    folder: Path
    manifest: Manifest
    bits_per_token: float
    public_key: str
    problems: Sequence[Problem]


def train(
    workspace: Workspace,
    table: Path,
    *,
    release: str,
    at: datetime,
    size: str = SIZES[0],
    n_epochs: int = 8,
    seed: int = 0,
    progress: Progress | None = None,
) -> Trained:
    """Train a release that the catalogue knows on the works of a table; ``progress`` hears step, steps, bits a token.

    A training that was stopped goes on where it was, as long as the works and settings are the same.

    Raises
    ------
    UnavailableError without PyTorch; NotFoundError for a release or work that the catalogue lacks; FormatError for a
    table that is none; ConflictError where consent is missing or the release is trained already
    """
    releases.need_torch()
    if size not in SIZES:
        raise ParameterError(f"size {size!r}: one of {', '.join(SIZES)}")
    known = releases.find_release(workspace, release)
    folder = releases.release_folder(workspace, known.id)
    if folder.exists():
        raise ConflictError(f"{known.name} is trained already; a new training is a new release", code="release")
    for earlier, learned in releases.releases(workspace):
        releases.withdrawn(workspace, earlier, learned, on=at.date())
    gathered = gather(workspace, table, release_id=known.id, at=at)
    if len(gathered.works) < _WORKS_MIN:
        raise ParameterError(
            f"{table}: {len(gathered.works)} work can be learned from; a model of one work would only copy it",
            code="training_set",
        )
    from linernotes.learn import training  # noqa: PLC0415 - PyTorch is an extra, and slow to load

    settings = training.TrainingSettings(n_epochs=n_epochs, seed=seed)
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    model, checkpoints = training.train(
        gathered.pieces,
        len(gathered.vocabulary),
        config=_config(size),
        settings=settings,
        progress=progress,
        unfinished=unfinished,
    )
    files = {"weights.npz": training.write_weights(model), "tokens.npz": write_tokens(gathered.pieces)}
    for number, checkpoint in enumerate(checkpoints, 1):
        model.load_state_dict(checkpoint.weights)
        files[f"checkpoint-{number}.npz"] = training.write_weights(model)
    manifest = Manifest(
        release_id=known.id,
        release=known.name,
        party_id=known.party_id,
        trained_on=at.date().isoformat(),
        styles=gathered.vocabulary.styles,
        works=tuple(gathered.works),
        left_out=tuple(gathered.left_out),
        settings=asdict(settings)
        | {"size": size, "checkpoint_rates": [checkpoint.learning_rate for checkpoint in checkpoints]},
    )
    key = signing.open_key(workspace.folder / "models" / "signing.key")
    manifest = write_release(folder, manifest, files, private_key=key)
    bits = training.bits_per_token(model, gathered.pieces[:64])
    return Trained(folder, manifest, bits, signing.public_key(key).hex(), gathered.problems)


def _config(size: str) -> "TransformerConfig":
    from linernotes.learn import transformer  # noqa: PLC0415 - PyTorch is an extra

    return dict(zip(SIZES, (transformer.SHIPPING, transformer.EVALUATION, transformer.TINY), strict=True))[size]


# ── the training set ─────────────────────────────────────────────────────────


def gather(workspace: Workspace, table: Path, *, release_id: str, at: datetime) -> TrainingSet:
    """Read a training set and ask for every consent; files that cannot be read are problems, not works.

    Raises ConflictError naming every work whose consent is missing or that is reserved; FormatError, NotFoundError
    """
    rows = _rows(table)
    gathered = TrainingSet(Vocabulary(tuple(sorted({row.style for row in rows} - {ANY_STYLE}))))
    policies, before = workspace.claims.policies(), _learned_before(workspace)
    refused = []
    seen: dict[str, int] = {}
    for row in rows:
        where = f"{table}, line {row.number}"
        entry, given = releases.consents(workspace, row.key, policies, release_id=release_id, on=at.date())
        reference = entry.recording or entry.work
        if reference is None:
            raise NotFoundError(f"{where}: {row.key} is neither a recording nor a work")
        if reference.id in seen:
            raise FormatError(f"{where}: {row.key} stands in line {seen[reference.id]} already", code="training_set")
        seen[reference.id] = row.number
        missing = releases.objection(given, entry.names)
        if missing and reference.id in before:
            gathered.left_out.append((reference.id, f"consent withdrawn: {missing}"))
            gathered.problems.append(Problem("withdrawn", f"{reference.title} is left out: {missing}", where))
            continue
        if missing:
            refused.append(f"{reference.title} ({row.key}): {missing}")
            continue
        isrc = entry.recording.isrc if entry.recording else None
        told = (reference.id, isrc, reference.title, _given(given, entry.names))
        refused += _add(gathered, row, told, where)
    if refused:
        more = f" … and {len(refused) - 20} more" if len(refused) > 20 else ""
        raise ConflictError(f"{table}: no consent to learn from\n  " + "\n  ".join(refused[:20]) + more, code="consent")
    _keep_once(gathered)
    return gathered


def _add(
    gathered: TrainingSet, row: _Row, told: tuple[str, str | None, str, tuple[Given, ...]], where: str
) -> list[str]:
    """Read a score and add it; returns why it may not be learned from, where its own file says so."""
    reference_id, isrc, title, given = told
    try:
        score = read_score(row.path)
        tokens = gathered.vocabulary.encode(lead_sheet(score), style=row.style)
    except InputError as error:
        gathered.problems.append(Problem(error.code, str(error), where))
        gathered.left_out.append((reference_id, str(error)))
        return []
    reserved = reservations(row.path, score)
    if reserved:
        return [f"{title} ({row.key}): reserved: {'; '.join(reserved)}"]
    work = ManifestWork(
        reference_id=reference_id,
        isrc=isrc,
        title=title,
        file=row.path.name,
        style=row.style,
        sha256=hashlib.sha256(row.path.read_bytes()).hexdigest(),
        content_sha256=content_sha256(tokens, gathered.vocabulary),
        n_notes=max(1, sum(gathered.vocabulary.kind(token) == "pitch" for token in tokens)),
        consents=given,
    )
    gathered.works.append(work)
    gathered.pieces.append(tokens)
    return []


def _keep_once(gathered: TrainingSet) -> None:
    """Keep the first of works that are one; who else says it is theirs is told, and the pool pays it once."""
    works = {work.reference_id: work for work in gathered.works}
    twins = same_works(dict(zip(works, gathered.pieces, strict=True)), gathered.vocabulary)
    dropped: set[str] = set()
    for first, *others in [*duplicates(gathered.works), *([works[key] for key in keys] for keys in twins)]:
        owners = {given.party_id for given in first.consents}
        for other in others:
            if {first.reference_id, other.reference_id} & dropped:
                continue
            dropped.add(other.reference_id)
            strangers = {given.party_id for given in other.consents} - owners
            whose = "two owners say it is theirs: settle it between them" if strangers else "it is the same owner's"
            message = (
                f"{other.title} ({other.reference_id}) has the notes of {first.title} ({first.reference_id}); {whose}"
            )
            gathered.problems.append(Problem("duplicate", message, other.file))
            gathered.left_out.append((other.reference_id, f"duplicate of {first.reference_id}"))
    kept = [place for place, work in enumerate(gathered.works) if work.reference_id not in dropped]
    gathered.works[:] = [gathered.works[place] for place in kept]
    gathered.pieces[:] = [gathered.pieces[place] for place in kept]


def _learned_before(workspace: Workspace) -> set[str]:
    return {work.reference_id for _, manifest in releases.releases(workspace) for work in manifest.works}


def _given(consents: Sequence[Consent], names: Mapping[str, str]) -> tuple[Given, ...]:
    return tuple(
        Given(
            party_id=consent.party_id,
            party=names.get(consent.party_id, consent.party_id),
            subject_id=consent.subject_id,
            part=None if consent.part is None else str(consent.part),
            action=consent.action.value,
            share=None if consent.share is None else str(consent.share),
            policy_id=consent.policy_id or "",
        )
        for consent in consents
    )


def _rows(table: Path) -> list[_Row]:
    """Read the table; FormatError with what is wrong where."""
    try:
        reader = csv.DictReader(io.StringIO(table.read_text(encoding="utf-8-sig")), strict=True)
        lines = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"{table}: cannot be read as CSV: {error}", code="training_set") from None
    missing = {"file", "recording"} - set(reader.fieldnames or ())
    if missing:
        raise FormatError(f"{table}: no column {', '.join(sorted(missing))}; it needs file, recording, style")
    rows = []
    for number, line in enumerate(lines, 2):
        style = " ".join((line.get("style") or ANY_STYLE).split())
        if not (line["file"] and line["recording"]) or len(style) > _STYLE_CHARACTERS_MAX or ":" in style:
            raise FormatError(
                f"{table}, line {number}: it needs a file, a recording, and a short style", code="training_set"
            )
        rows.append(_Row(number, table.parent / line["file"], line["recording"].strip(), style))
    return rows
