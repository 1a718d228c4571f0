from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes.analyse import landmarks
from linernotes.analyse.candidates import ALL_TRANSFORMS, Catalogue, Stretch, Table
from linernotes.analyse.cells import DEFAULT, extract
from linernotes.analyse.landmarks import CHANGED, UNCHANGED
from linernotes.render import band
from linernotes.store.index import Index

RATE_HZ = DEFAULT.sample_rate_hz
Sound = NDArray[np.float32]


@pytest.fixture(scope="module")
def music() -> list[Sound]:
    songs = (band.compose(seed, style=style, duration_s=15.0) for seed, style in enumerate(("synth pop", "jazz trio")))
    return [band.perform(song, sample_rate_hz=RATE_HZ).mean(axis=1).astype(np.float32) for song in songs]


@pytest.fixture(scope="module")
def index(music: list[Sound], tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("index")
    with Index(folder, parameter_id=DEFAULT.id, writable=True) as writer:
        for i, sound in enumerate(music):
            writer.add({f"rec_{i}": extract([sound])})
    return Index(folder, parameter_id=DEFAULT.id)


def asked(sound: Sound) -> Stretch:
    query = extract([sound])
    return Stretch(query, 0, len(query.signs))


def place_of(catalogue: Catalogue, recording: int, middle_s: float) -> float:
    return float(catalogue.firsts[recording]) + middle_s / (2 * DEFAULT.frame_s)


def test_an_excerpt_is_proposed_first_at_its_place(index: Index, music: list[Sound]) -> None:
    catalogue = Catalogue(index.segments)
    for recording, sound in enumerate(music):
        table = landmarks.propose(asked(sound[4 * RATE_HZ : 9 * RATE_HZ]), catalogue, UNCHANGED, limit=20)
        assert 0 < len(table) <= 20
        assert table[0, 0] == pytest.approx(place_of(catalogue, recording, 6.5), abs=2)
        assert table[0, 1:3].tolist() == [1.0, 0.0]
        assert np.all(np.diff(table[:, 5]) <= 0)


@pytest.mark.parametrize("factor", [0.85, 1.2])
def test_a_changed_excerpt_is_proposed_with_its_change(index: Index, music: list[Sound], factor: float) -> None:
    source = music[1]
    at = np.arange(3.0, 3.0 + 5.0 * factor, factor / RATE_HZ) * RATE_HZ
    sped = np.interp(at, np.arange(len(source)), source).astype(np.float32)
    catalogue = Catalogue(index.segments)
    table = landmarks.propose(asked(sped), catalogue, CHANGED, limit=100)
    there = np.abs(table[:, 0] - place_of(catalogue, 1, 3.0 + 2.5 * factor)) < 4
    right = there & (np.abs(table[:, 1] / factor - 1) < 0.04) & (np.abs(table[:, 2] - 24 * np.log2(factor)) < 1.1)
    assert right.any()


def test_threads_propose_the_same(index: Index, music: list[Sound], monkeypatch: pytest.MonkeyPatch) -> None:
    def proposed() -> Table:
        return landmarks.propose(asked(music[0][: 5 * RATE_HZ]), Catalogue(index.segments), CHANGED, limit=50)

    alone = proposed()
    monkeypatch.setattr(landmarks, "_THREADED_FRAMES", 0)
    together = proposed()
    assert np.array_equal(alone[:, 5], together[:, 5])


def test_steady_sound_and_an_empty_catalogue_propose_nothing(index: Index, music: list[Sound], tmp_path: Path) -> None:
    hum = np.sin(np.arange(5 * RATE_HZ) * 0.1).astype(np.float32)
    assert len(landmarks.propose(asked(hum), Catalogue(index.segments), UNCHANGED, limit=20)) <= 20
    empty = Catalogue(Index(tmp_path / "none", parameter_id=DEFAULT.id).segments)
    assert landmarks.propose(asked(music[0][: 5 * RATE_HZ]), empty, CHANGED, limit=20).shape == (0, 8)


def test_every_change_that_is_tried_everywhere_is_asked_of_landmarks() -> None:
    for tempo, bins in ALL_TRANSFORMS:
        assert any(f.bins == bins and f.low <= tempo <= f.high for f in CHANGED)


def test_an_entry_keeps_the_strongest_pairs(music: list[Sound]) -> None:
    heard = extract([music[0]])
    seconds = len(music[0]) / RATE_HZ
    assert 10 < len(heard.landmarks) / seconds < 45
    assert len(heard.peaks) / seconds <= 33
    assert heard.landmarks[:, 1].max() < -(-len(heard.frames) // 8)
    assert np.all(np.diff(heard.peaks[:, 0]) >= 0)
