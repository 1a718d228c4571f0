"""A catalogue of invented tunes with scores, for tests of licensed models."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from linernotes.formats.midi import write_midi
from linernotes.journeys import releases
from linernotes.journeys.attribute import Attribution, Influenced, Owed
from linernotes.journeys.catalogue import import_files
from linernotes.journeys.claim import set_policy
from linernotes.journeys.outputs import keep
from linernotes.journeys.train import gather
from linernotes.learn.manifest import Given, Manifest, ManifestWork, content_sha256
from linernotes.learn.release import write_release, write_tokens
from linernotes.learn.signing import open_key
from linernotes.learn.tokens import Vocabulary
from linernotes.model import Action, Policy, UseType
from linernotes.model.scores import ChordSymbol, Key, Metre, Note, Score
from linernotes.workspace import Workspace

WRITERS = ("Ada", "Bea", "Cleo")
MAKER, RELEASE = "Ember Audio", "Hearth 1.0"
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
_SCALE = (0, 2, 4, 5, 7, 9, 11)


def tune(seed: int) -> Score:
    """Make up a tune of eight bars in 4/4: A A B A, a chord at each bar line."""
    dice = random.Random(seed)
    phrases = [[dice.choice((0, 1, 2, 4)) * 2 + dice.randrange(2) for _ in range(8)] for _ in range(2)]
    degrees = [degree for place in (0, 0, 1, 0) for degree in phrases[place]]
    tonic = 60 + seed % 5
    notes = [
        Note(480 * step, 480, tonic + 12 * (degree // 7) + _SCALE[degree % 7]) for step, degree in enumerate(degrees)
    ]
    chords = [ChordSymbol(1920 * bar, (tonic + (0, 5, 7, 0)[bar % 4]) % 12, "maj") for bar in range(8)]
    return Score(f"Tune {seed}", notes, Key(tonic % 12), Metre(4, 4), chords)


def catalogue_csv(n_works: int, *, releases: Sequence[str] = (RELEASE,)) -> str:
    """Write a table of recordings, each of one writer, and of releases."""
    lines = ["title,artist,isrc,writers,label,model_release,model_party"]
    for number in range(n_works):
        writer = WRITERS[number % len(WRITERS)]
        lines.append(f"Tune {number},{writer},USAT226{number:05d},{writer} 1/1,{writer} 100%,,")
    return "\n".join([*lines, *(f",,,,,{release},{MAKER}" for release in releases), ""])


def write_set(folder: Path, n_works: int) -> Path:
    """Write the scores of a training set and its table."""
    lines = ["file,recording,style"]
    for number in range(n_works):
        (folder / f"tune{number}.mid").write_bytes(write_midi(tune(number)))
        lines.append(f"tune{number}.mid,USAT226{number:05d},folk")
    path = folder / "set.csv"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def fill(workspace: Workspace, folder: Path, *, n_works: int = 9, consenting: Sequence[str] = WRITERS) -> Path:
    """Enter recordings, two releases, and consents to all training; return the table of the training set."""
    (folder / "catalogue.csv").write_text(catalogue_csv(n_works, releases=(RELEASE, "Hearth 1.1")), encoding="utf-8")
    assert import_files(workspace, [folder / "catalogue.csv"]).problems == []
    for writer in consenting:
        allow(workspace, writer)
    return write_set(folder, n_works)


def sign_release(workspace: Workspace, folder: Path) -> Path:
    """Sign a release without training one: its weights are never asked."""
    table = fill(workspace, folder)
    known = releases.find_release(workspace, RELEASE)
    found = gather(workspace, table, release_id=known.id, at=AT)
    manifest = Manifest(
        release_id=known.id,
        release=RELEASE,
        party_id=known.party_id,
        trained_on="2026-11-22",
        styles=found.vocabulary.styles,
        works=tuple(found.works),
    )
    files = {"weights.npz": b"none", "tokens.npz": write_tokens(found.pieces)}
    key = open_key(workspace.folder / "models" / "signing.key")
    where = releases.release_folder(workspace, known.id)
    write_release(where, manifest, files, private_key=key)
    return where


def allow(workspace: Workspace, writer: str, *, action: Action = Action.ALLOW, subject: str | None = None) -> Policy:
    """Let a party's rule on training be this one."""
    policy = Policy("", writer, UseType.TRAINING, action, subject_id=subject)
    return set_policy(workspace, policy, by=writer, why="signed", at=AT)[0]


def told_release(workspace: Workspace, owners: Mapping[str, tuple[str, str, str]], *, maker: str) -> str:
    """Sign a release of works, by id whose they are (id, name) and their titles; it has made a piece. Gives its id."""
    pieces = [[number + 1] for number in range(len(owners))]
    works = [
        ManifestWork(
            *(key, None, title, f"{key}.mid", "any", "aa" * 32, content_sha256(piece, Vocabulary(())), 8),
            consents=(Given(party_id, party, key, "1", "allow", None, f"pol_of_{party_id}"),),
        )
        for piece, (key, (party_id, party, title)) in zip(pieces, owners.items(), strict=True)
    ]
    manifest = Manifest("mdl_hearth", "Hearth", maker, "2026-11-22", (), works)
    folder = releases.release_folder(workspace, manifest.release_id)
    key = open_key(workspace.folder / "models" / "signing.key")
    write_release(folder, manifest, {"tokens.npz": write_tokens(pieces)}, private_key=key)
    found = Attribution(
        *("piece.mid", "Hearth", manifest.release_id, "counts", 1, 0),
        catalogues=[Owed(party_id, party, 500_000, 400_000, 600_000) for party_id, party, _ in owners.values()],
        works=[Influenced(key, title, None, 500_000, 0.25, 0.5) for key, (_, _, title) in owners.items()],
        passages=[],
        problems=[],
    )
    told: dict[str, Any] = {
        "title": "Ember",
        "made_at": "2026-11-23T10:00:00+00:00",
        "recording_id": "rec_ember",
        "isrc": None,
    }
    told |= {"pool": "1/2", "informativeness_ppm": 0}
    told["owners"] = [{"party_id": owed.party_id, "party": owed.party, "ppm": 500_000} for owed in found.catalogues]
    told["works"] = [{"reference_id": work.reference_id, "ppm": 500_000} for work in found.works]
    keep(folder, told, found)
    return manifest.release_id
