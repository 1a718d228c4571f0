"""Releases of models: which there are here, what they may still use, and the torch they need."""

import importlib.util
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from linernotes.errors import ConflictError, NotFoundError, UnavailableError
from linernotes.learn.manifest import Manifest
from linernotes.learn.release import Audited, audit, open_manifest, read_file
from linernotes.model import ModelRelease, Policy, Reference, ReferenceEntry, UseType
from linernotes.rights.consents import Consent, training_consents
from linernotes.rights.grounds import grounds
from linernotes.workspace import Workspace

if TYPE_CHECKING:
    from linernotes.learn.training import Checkpoint
    from linernotes.learn.transformer import Transformer

__all__ = [
    "Withdrawn",
    "audited",
    "consents",
    "find_release",
    "marks",
    "model_of",
    "need_torch",
    "objection",
    "release_folder",
    "releases",
    "withdrawn",
]

_MARK = "withdrawn.json"


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A work whose consent no longer stands, since the day that was first seen."""

    reference_id: str
    title: str
    since: str
    because: str


def need_torch() -> None:
    """Raise UnavailableError where PyTorch is not installed."""
    if importlib.util.find_spec("torch") is None:
        raise UnavailableError("this needs PyTorch: pip install 'linernotes[models]'", code="torch")


def find_release(workspace: Workspace, text: str) -> ModelRelease:
    """Return the model release that ``text`` is the id or the name of.

    Raises NotFoundError if the catalogue has none, ConflictError if it has several.
    """
    known = [release for page in workspace.catalogue.model_releases() for release in page.model_releases.values()]
    found = [release for release in known if text == release.id or text.casefold() == release.name.casefold()]
    if not found:
        raise NotFoundError(
            f"no model release is called {text!r} here; enter it with: linernotes catalogue import FILE"
            " (columns model_release, model_party)"
        )
    if len(found) > 1:
        ids = ", ".join(sorted(release.id for release in found))
        raise ConflictError(f"several model releases are called {text!r}: give one of the ids {ids}", code="release")
    return found[0]


def model_of(folder: Path, manifest: Manifest) -> "tuple[Transformer, list[Checkpoint]]":
    """Return a release's model and its checkpoints; ConflictError if a file is not what was signed."""
    need_torch()
    from linernotes.learn.training import Checkpoint, read_weights  # noqa: PLC0415 - PyTorch is an extra

    def read(name: str) -> "Transformer":
        return read_weights(read_file(folder, manifest, name), where=str(folder / name))

    rates = manifest.settings.get("checkpoint_rates", [])
    checkpoints = [
        Checkpoint(number, float(rate), read(f"checkpoint-{number}.npz").state_dict())
        for number, rate in enumerate(rates, 1)
    ]
    return read("weights.npz"), checkpoints


def release_folder(workspace: Workspace, release_id: str) -> Path:
    """Return where a release lies."""
    return workspace.folder / "models" / release_id


def audited(folder: Path, *, public_key: str | None = None) -> Audited:
    """Check a release without a workspace, as an outsider does; see :func:`linernotes.learn.release.audit`."""
    return audit(folder, public_key=public_key)


def releases(workspace: Workspace) -> list[tuple[Path, Manifest]]:
    """List what was trained here, oldest first."""
    folders = sorted((workspace.folder / "models").glob("mdl_*/manifest.json"))
    found = [(path.parent, open_manifest(path.parent)) for path in folders]
    return sorted(found, key=lambda pair: (pair[1].trained_on, pair[1].release_id))


def consents(
    workspace: Workspace, key: str, policies: Iterable[Policy], *, release_id: str, on: date
) -> tuple[ReferenceEntry, list[Consent]]:
    """Look up a recording or work by id, ISRC or ISWC, and what everybody with a right in it says of training.

    Raises NotFoundError if the catalogue does not know it.
    """
    entry = workspace.claims.reference(Reference(key, "", "", isrc=key, iswc=key))
    if entry is None:
        raise NotFoundError(f"{key}: neither a recording nor a work of this catalogue; see linernotes catalogue list")
    found = grounds(UseType.TRAINING, entry, on=on)
    return entry, training_consents(found, policies, release_id=release_id, on=on)


def withdrawn(workspace: Workspace, folder: Path, manifest: Manifest, *, on: date) -> list[Withdrawn]:
    """Say whose consent no longer stands; what is found is marked on the release, and stays marked."""
    marked = {mark.reference_id: mark for mark in marks(folder)}
    policies = workspace.claims.policies()
    for work in manifest.works:
        if work.reference_id in marked:
            continue
        because = _objection(workspace, work.reference_id, policies, manifest.release_id, on)
        if because:
            marked[work.reference_id] = Withdrawn(work.reference_id, work.title, on.isoformat(), because)
    if marked and workspace.writable:
        told = [{name: getattr(mark, name) for name in Withdrawn.__slots__} for mark in marked.values()]
        (folder / _MARK).write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
    return list(marked.values())


def _objection(workspace: Workspace, key: str, policies: Sequence[Policy], release_id: str, on: date) -> str:
    try:
        entry, given = consents(workspace, key, policies, release_id=release_id, on=on)
    except NotFoundError:
        return "the catalogue no longer knows it"
    return objection(given, entry.names)


def objection(given: Sequence[Consent], names: Mapping[str, str]) -> str:
    """Say whose consent is missing and why; empty where everybody's is there."""
    if not given:
        return "nobody has a training right in it that could consent"
    missing = [consent for consent in given if not consent.is_given]
    return "; ".join(f"{names.get(c.party_id, c.party_id)} says {c.action} ({c.because})" for c in missing)


def marks(folder: Path) -> list[Withdrawn]:
    """Return what is marked on a release: whose consent was found not to stand any more."""
    path = folder / _MARK
    if not path.exists():
        return []
    return [Withdrawn(**mark) for mark in json.loads(path.read_text(encoding="utf-8"))]
