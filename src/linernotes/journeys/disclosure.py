"""Disclosure: what is told of a release, its works and its outputs, and to whom.

Conventions
-----------
Whoever sees all, and the party that answers for a release, see all of it. A party whose works it learned from sees that
it is there and how large it is, whether it passes its audit, its own works and consents, and its own part of each
output; whose the rest is, and what others said, is not told. For everybody else the release is not there. ``viewer`` is
a party, None whoever sees all. Nothing here needs PyTorch: attributions were kept when the outputs were made.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from linernotes.errors import NotFoundError
from linernotes.journeys import outputs, releases
from linernotes.journeys.releases import Withdrawn
from linernotes.learn.manifest import Given, Manifest, ManifestWork
from linernotes.learn.release import Audited, audit
from linernotes.rights.consents import Consent
from linernotes.workspace import Workspace

__all__ = ["Consented", "Learned", "Seen", "learned", "learned_from", "made", "seen", "seen_by"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A release, for somebody who may see it. ``works``: of those it learned from, the ones that they may see."""

    folder: Path
    manifest: Manifest
    maker: str
    viewer: str | None
    is_whole: bool
    works: Sequence[ManifestWork]

    @property
    def audited(self) -> Audited:
        """Its audit, done anew whenever a file of it is another."""
        files = sorted(path for path in self.folder.iterdir() if path.is_file())
        return _audited(self.folder, tuple((path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files))

    @property
    def faults(self) -> list[str]:
        """What its audit found; those who see a part are told that there is something, not of whose work it speaks."""
        faults = list(self.audited.faults)
        return faults if self.is_whole or not faults else ["this release is not what was signed, or lacks a consent"]


@dataclass(frozen=True, slots=True)
class Consented:
    """A consent as it stood when the model learned, and whether it stands now."""

    party_id: str
    party: str
    part: str | None
    action: str
    share: str | None
    policy_id: str
    stands: bool


@dataclass(frozen=True, slots=True)
class Learned:
    """A work that a release learned from, with the consents that the viewer may see.

    ``withdrawn``: a consent to it no longer stands; ``since`` and ``because`` are empty where others are concerned.
    """

    reference_id: str
    title: str
    isrc: str | None
    style: str
    consents: Sequence[Consented]
    withdrawn: bool
    since: str
    because: str


def seen_by(workspace: Workspace, viewer: str | None) -> list[Seen]:
    """List the releases that somebody may see, the newest first."""
    found = (_seen(workspace, folder, manifest, viewer) for folder, manifest in releases.releases(workspace))
    return [each for each in found if each is not None][::-1]


def seen(workspace: Workspace, release_id: str, viewer: str | None) -> Seen:
    """Return a release; NotFoundError if there is none that they may see."""
    for each in seen_by(workspace, viewer):
        if each.manifest.release_id == release_id:
            return each
    raise NotFoundError(f"no release {release_id!r}")


def learned(workspace: Workspace, release: Seen, works: Iterable[ManifestWork], *, on: date) -> list[Learned]:
    """Tell some works of a release as the consents stand on a day."""
    marks = {mark.reference_id: mark for mark in releases.marks(release.folder)}
    policies = workspace.claims.policies()
    told = []
    for work in works:
        try:
            entry, now = releases.consents(
                workspace, work.reference_id, policies, release_id=release.manifest.release_id, on=on
            )
            because = releases.objection(now, entry.names)
        except NotFoundError:
            now, because = [], "the catalogue no longer knows it"
        mark = marks.get(work.reference_id)
        if mark is None and because:
            mark = Withdrawn(work.reference_id, work.title, on.isoformat(), because)
        told.append(_learned(release, work, now, mark))
    return told


def made(release: Seen, *, after: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the outputs that the viewer has a part in, the newest first, those after ``after``, an ``id``."""
    for path in outputs.kept(release.folder):
        if after is not None and path.stem >= after:
            continue
        told = _output(release, path.stem, json.loads(path.read_text(encoding="utf-8")))
        if told is not None:
            yield told


def learned_from(release: Seen, party_id: str) -> bool:
    """Tell whether a release learned from works of a party."""
    return any(party_id == given.party_id for work in release.works for given in work.consents)


def _seen(workspace: Workspace, folder: Path, manifest: Manifest, viewer: str | None) -> Seen | None:
    is_whole = viewer is None or viewer == manifest.party_id
    works = [work for work in manifest.works if is_whole or _has_part(work.consents, viewer)]
    if not works:
        return None
    maker = workspace.claims.names([manifest.party_id]).get(manifest.party_id, manifest.party_id)
    return Seen(folder, manifest, maker, viewer, is_whole, works)


def _has_part(consents: Iterable[Given], viewer: str | None) -> bool:
    return any(given.party_id == viewer for given in consents)


@lru_cache(maxsize=64)
def _audited(folder: Path, state: tuple[tuple[str, int, int], ...]) -> Audited:
    del state  # another state is another audit
    return audit(folder)


def _learned(release: Seen, work: ManifestWork, now: Iterable[Consent], mark: Withdrawn | None) -> Learned:
    stands = {(consent.party_id, consent.subject_id): consent.is_given for consent in now}
    shown = [given for given in work.consents if release.is_whole or given.party_id == release.viewer]
    told_of = mark if release.is_whole else None
    return Learned(
        reference_id=work.reference_id,
        title=work.title,
        isrc=work.isrc,
        style=work.style,
        consents=[
            Consented(
                *(given.party_id, given.party, given.part, given.action, given.share, given.policy_id),
                stands=stands.get((given.party_id, given.subject_id), False),
            )
            for given in shown
        ],
        withdrawn=mark is not None,
        since=told_of.since if told_of else "",
        because=told_of.because if told_of else "",
    )


def _output(release: Seen, output_id: str, told: Mapping[str, Any]) -> dict[str, Any] | None:
    """Tell an output; None where the viewer has no part in it."""
    owed, found = told["credits"], told["attribution"]
    mine = {work.reference_id for work in release.works}
    influence = {each["party_id"]: each for each in found["catalogues"]}
    owners = [
        owner | {name: influence.get(owner["party_id"], {}).get(name) for name in ("share_ppm", "low_ppm", "high_ppm")}
        for owner in owed["owners"]
        if release.is_whole or owner["party_id"] == release.viewer
    ]
    if not any(owner["ppm"] for owner in owners):
        return None
    paid = {work["reference_id"]: work["ppm"] for work in owed["works"]}
    return {
        "id": output_id,
        **{name: owed[name] for name in ("title", "made_at", "recording_id", "isrc", "pool", "informativeness_ppm")},
        **{name: found[name] for name in ("method", "n_runs")},
        "owners": owners,
        "works": [
            work | {"paid_ppm": paid.get(work["reference_id"])}
            for work in found["works"]
            if work["reference_id"] in mine
        ],
        "problems": found["problems"],
    }
