"""What a release made: who is owed which part, the credits, and the recording it becomes in the catalogue."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from linernotes import identifiers
from linernotes.errors import ParameterError
from linernotes.journeys.attribute import Attribution
from linernotes.journeys.files import write_whole
from linernotes.journeys.listening import hear
from linernotes.journeys.releases import Withdrawn
from linernotes.journeys.sources import Sources
from linernotes.learn.manifest import Manifest
from linernotes.model import AiDisclosure, Contribution, Party, Recording, RecordingEntry, RightType, Role, Share, Work
from linernotes.model.scores import Score
from linernotes.rights.attribution import PPM
from linernotes.rights.shares import WORK_RIGHTS
from linernotes.store.catalogue import content_id
from linernotes.workspace import Workspace

__all__ = ["Division", "credits_of", "divided", "isrc_after", "keep", "kept", "register"]

_WORKS_TOLD = 50


@dataclass(frozen=True, slots=True)
class Division:
    """Who is owed which part of an output: of its pool, by work and by owner in millionths; of all, as fractions."""

    pool: Fraction
    informativeness_ppm: int
    works_ppm: Mapping[str, int]
    owners_ppm: Mapping[str, int]
    fractions: Mapping[str, Fraction]


def divided(
    sources: Sources, tokens: Sequence[int], *, pool: Fraction, informativeness_ppm: int, maker: str
) -> Division:
    """Divide an output: ``pool`` of it among its sources, the rest to ``maker``; the fractions add up to 1."""
    works_ppm = sources.works_ppm(tokens, informativeness_ppm=informativeness_ppm)
    owners_ppm = sources.owners_ppm(works_ppm)
    fractions = {party_id: pool * ppm / PPM for party_id, ppm in owners_ppm.items() if ppm and pool}
    if pool < 1:
        fractions[maker] = fractions.get(maker, Fraction(0)) + 1 - pool
    return Division(pool, informativeness_ppm, works_ppm, owners_ppm, fractions)


def credits_of(
    manifest: Manifest,
    share: Division,
    score: Score,
    *,
    at: datetime,
    seed: int,
    withdrawn: Sequence[Withdrawn],
) -> dict[str, Any]:
    """Write the credits of an output: what made it, from whom it was learned, and who is owed which part."""
    names = {given.party_id: given.party for work in manifest.works for given in work.consents}
    works = {work.reference_id: work for work in manifest.works}
    most = sorted(share.works_ppm, key=lambda key: (-share.works_ppm[key], key))[:_WORKS_TOLD]
    return {
        "title": score.title,
        "made_at": at.isoformat(timespec="seconds"),
        "contains_ai": AiDisclosure.ALL.value,
        "release": manifest.release,
        "release_id": manifest.release_id,
        "seed": seed,
        "key": str(score.key),
        "metre": str(score.metre),
        "sections": [asdict(section) for section in score.sections],
        "pool": str(share.pool),
        "informativeness_ppm": share.informativeness_ppm,
        "owners": [
            {"party_id": party_id, "party": names[party_id], "ppm": ppm}
            for party_id, ppm in sorted(share.owners_ppm.items(), key=lambda item: (-item[1], item[0]))
        ],
        "works": [
            {"reference_id": key, "isrc": works[key].isrc, "title": works[key].title, "ppm": share.works_ppm[key]}
            for key in most
        ],
        "n_works": len(works),
        "withdrawn": [asdict(mark) for mark in withdrawn],
    }


def register(
    workspace: Workspace, sound: Path, manifest: Manifest, share: Division, *, title: str, isrc: str | None
) -> str:
    """Enter an output as a recording and a work of these shares, and in the index; returns the recording's id."""
    heard = hear(sound)
    recording_id = content_id("rec", heard.upload.sha256)
    work = Work(content_id("wrk", recording_id), title)
    recording = Recording(
        id=recording_id,
        title=title,
        artist=manifest.release,
        sha256=heard.upload.sha256,
        path=str(sound.resolve()),
        duration_s=heard.upload.duration_s,
        sample_rate_hz=heard.upload.sample_rate_hz,
        channels=heard.upload.channels,
        isrc=isrc,
        work_id=work.id,
        contains_ai=AiDisclosure.ALL,
    )
    names = workspace.claims.names([*share.fractions, manifest.party_id])
    subjects = [(recording_id, RightType.MASTER), *((work.id, right) for right in WORK_RIGHTS)]
    entry = RecordingEntry(
        recording,
        work,
        parties=[Party(party_id, name) for party_id, name in names.items()],
        contributions=[Contribution(recording_id, manifest.party_id, Role.PRODUCER, AiDisclosure.ALL)],
        shares=[
            Share(subject_id, party_id, right, fraction)
            for subject_id, right in subjects
            for party_id, fraction in share.fractions.items()
        ],
    )
    workspace.index.add({recording_id: heard.fingerprint})
    workspace.catalogue.add(entry)
    return recording_id


def keep(folder: Path, told: Mapping[str, Any], found: Attribution) -> None:
    """Keep the credits of an output and what shaped it beside its release, for whoever asks later."""
    made_at = "".join(letter for letter in told["made_at"] if letter.isdigit())[:14]
    whole = {"credits": told, "attribution": {name: each for name, each in asdict(found).items() if name != "path"}}
    text = json.dumps(whole, ensure_ascii=False)
    write_whole(_outputs(folder) / f"{made_at}-{told['recording_id']}.json", text)


def kept(folder: Path) -> list[Path]:
    """List what is kept of a release's outputs, the newest first; each is JSON, ``credits`` and ``attribution``."""
    return sorted(_outputs(folder).glob("*.json"), reverse=True)


def _outputs(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.outputs")  # beside the release, whose files are signed


def isrc_after(first: str, number: int) -> str:
    """Return the ISRC that is ``number`` after the first; ParameterError where the year has no more."""
    code = identifiers.isrc(first)
    designation = int(code[7:]) + number
    if designation > 99_999:
        raise ParameterError(f"--isrc {first}: no {number} more codes in that year")
    return f"{code[:7]}{designation:05d}"
