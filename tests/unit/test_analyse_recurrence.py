from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes.analyse import recurrence
from linernotes.analyse.candidates import Catalogue
from linernotes.analyse.fingerprint import DEFAULT, extract, match
from linernotes.model import Match
from linernotes.render import band
from linernotes.store.index import Index

RATE_HZ = DEFAULT.sample_rate_hz
Sound = NDArray[np.float32]
STYLES = ("indie folk", "synth pop", "jazz trio", "rock")


def song(seed: int) -> Sound:
    played = band.perform(band.compose(seed, style=STYLES[seed % 4], duration_s=20.0), sample_rate_hz=RATE_HZ)
    mono: Sound = played.mean(axis=1).astype(np.float32)
    return mono


@dataclass(frozen=True)
class Piece:
    recording: str
    start_s: float
    reference_start_s: float

    def found(self, told: list[Match]) -> bool:
        middle_s = self.start_s + 1.5
        return any(
            m.recording_id == self.recording
            and m.query_start_s < middle_s < m.query_stop_s
            and abs(
                m.reference_start_s
                + (middle_s - m.query_start_s) * m.transform.tempo_ratio
                - self.reference_start_s
                - 1.5
            )
            < 0.5
            for m in told
        )


def collage(music: dict[str, Sound], names: list[str], *, seed: int, length_s: int = 30) -> tuple[Sound, list[Piece]]:
    """Layers of 3-s pieces from anywhere in each recording."""
    rng, mixed, pieces = np.random.default_rng(seed), np.zeros(length_s * RATE_HZ, np.float32), []
    for name in names:
        for at_s in range(0, length_s, 3):
            start_s = float(rng.uniform(0, 16))
            part = music[name][round(start_s * RATE_HZ) :][: 3 * RATE_HZ]
            mixed[at_s * RATE_HZ :][: len(part)] += part / (part.std() + 1e-9) * np.float32(0.1)
            pieces.append(Piece(name, float(at_s), start_s))
    return mixed, pieces


@pytest.fixture(scope="module")
def music() -> dict[str, Sound]:
    return {f"rec_{seed}": song(seed) for seed in range(8)}


@pytest.fixture(scope="module")
def index(music: dict[str, Sound], tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("index")
    with Index(folder, parameter_id=DEFAULT.id, writable=True) as writer:
        writer.add({name: extract([sound]) for name, sound in music.items()})
    return Index(folder, parameter_id=DEFAULT.id)


def test_pieces_of_layers_are_found_where_windows_alone_find_few(
    index: Index, music: dict[str, Sound], monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed, pieces = collage(music, ["rec_1", "rec_3", "rec_6"], seed=4)
    query = extract([mixed])
    told = match(query, index)
    assert {m.recording_id for m in told} <= {"rec_1", "rec_3", "rec_6"}
    monkeypatch.setattr(recurrence, "_LEAST", 10**9)
    alone = match(query, index)
    assert sum(p.found(told) for p in pieces) > sum(p.found(alone) for p in pieces)
    assert np.mean([p.found(told) for p in pieces]) >= 0.5


def test_a_collage_of_strangers_names_nobody(index: Index) -> None:
    strangers = {f"stranger_{seed}": song(seed) for seed in (21, 22, 23)}
    mixed, _ = collage(strangers, list(strangers), seed=5)
    assert match(extract([mixed]), index) == []


def test_a_part_of_a_catalogue_keeps_its_places(index: Index, tmp_path: Path) -> None:
    whole = Catalogue(index.segments)
    part = recurrence.Part.of(whole, [(0, 5), (0, 2)])
    segment = index.segments[0]
    assert part.catalogue.n_frames == sum(segment.starts[r + 1] - segment.starts[r] for r in (5, 2))
    table = np.zeros((2, 8))
    table[:, 0] = part.catalogue.segments[0].starts[:2]
    assert part.in_whole(table)[:, 0].tolist() == [segment.starts[5], segment.starts[2]]


def test_too_short_a_query_has_no_windows(music: dict[str, Sound]) -> None:
    assert recurrence.windows(extract([music["rec_0"][: RATE_HZ * 14]])) == []
