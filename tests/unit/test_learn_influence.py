from pathlib import Path

import numpy as np
import pytest

from linernotes.errors import FormatError, ParameterError
from linernotes.learn.influence import (
    Blend,
    Influence,
    Scores,
    Witness,
    catalogue_intervals_ppm,
    normalised,
    whole_numbers,
)

WORKS = ["a", "b", "c", "d"]


def influence(*, n_runs: int = 3, noise: float = 0.3) -> tuple[Influence, list[np.ndarray]]:
    """Give works gradients of their own, and an output that is most like ``c`` and against ``d``."""
    rng = np.random.default_rng(1)
    own = np.linalg.qr(rng.normal(size=(16, 4)))[0].T
    query = 2.0 * own[2] + own[1] - own[3]
    noisy = [(own + noise * rng.normal(size=own.shape) / 4).astype(np.float32) for _ in range(2 * n_runs)]
    witnesses = [Witness.of(gradients, run=n // 2) for n, gradients in enumerate(noisy)]
    return Influence(WORKS, witnesses), [query.astype(np.float32)] * len(witnesses)


def test_who_taught_what_an_output_does_has_most() -> None:
    known, query = influence()
    runs = known.scores(query)
    assert runs.shape == (3, 4)
    assert runs.mean(axis=0).argsort().tolist() == [3, 0, 1, 2]


def test_what_all_works_teach_alike_is_taken_off_by_the_fisher_matrix() -> None:
    rng = np.random.default_rng(2)
    common, own = rng.normal(size=64), rng.normal(size=(20, 64))
    gradients = (10 * common + own).astype(np.float32)
    witness = Witness.of(gradients, run=0, damping=0.01)
    query = (10 * common + 5 * own[7]).astype(np.float32)
    plain, solved = witness.gradients @ query, witness.solved @ query
    assert solved.argmax() == 7
    assert solved.max() / np.abs(np.delete(solved, 7)).max() > plain.max() / np.abs(np.delete(plain, 7)).max()


def test_the_dual_is_the_damped_inverse() -> None:
    gradients = np.random.default_rng(3).normal(size=(6, 9))
    witness = Witness.of(gradients.astype(np.float32), run=0, damping=0.5)
    ridge = 0.5 * np.trace(gradients @ gradients.T) / 6
    exact = ridge * gradients @ np.linalg.inv(gradients.T @ gradients + ridge * np.eye(9))
    assert np.allclose(witness.solved, exact, atol=1e-5)


def test_a_work_that_taught_nothing_stays_nothing() -> None:
    gradients = np.eye(4, 8, dtype=np.float32)
    gradients[1] = 0
    known = Influence(WORKS, [Witness.of(gradients, run=0)])
    assert known.scores([np.ones(8, np.float32)])[0, 1] == 0
    assert known.scores([np.zeros(8, np.float32)]).tolist() == [[0, 0, 0, 0]]


def test_counting_is_one_channel_of_the_blend() -> None:
    known, query = influence()
    counting: Scores = np.array([0.0, 0.0, 0.0, 2.0])
    alone = Influence(WORKS, known.witnesses, blend=Blend(tracin=0, fisher=0, counting=1))
    assert alone.scores(query, counting).tolist() == [normalised(counting).tolist()] * 3
    assert np.allclose(known.scores(query, counting), known.scores(query) + known.blend.counting * normalised(counting))


def test_what_was_saved_is_what_is_asked(tmp_path: Path) -> None:
    known, query = influence()
    known.save(tmp_path / "gradients.npz")
    again = Influence.load(tmp_path / "gradients.npz")
    assert again.work_ids == WORKS
    assert np.allclose(again.scores(query), known.scores(query), atol=0.01)
    (tmp_path / "broken").write_bytes(b"PK\x03\x04 not an archive")
    for faulty in ("broken", "absent"):
        with pytest.raises(FormatError, match=faulty):
            Influence.load(tmp_path / faulty)


def test_whole_numbers_keep_proportions() -> None:
    numbers = whole_numbers(np.array([-1.0, 0.0, 1.0, 4.0]))
    assert numbers == [0, 0, 1 << 38, 1 << 40]
    assert whole_numbers(np.array([-1.0, 0.0])) == [0, 0]


def test_runs_that_disagree_widen_the_interval() -> None:
    catalogues = ["x", "x", "y", "z"]
    agreeing = np.tile([1.0, 1.0, 2.0, 0.0], (4, 1))
    assert catalogue_intervals_ppm(agreeing, catalogues)["y"] == (500_000, 500_000)
    disagreeing = agreeing + np.random.default_rng(4).normal(size=agreeing.shape)
    low, high = catalogue_intervals_ppm(disagreeing, catalogues)["y"]
    assert 0 <= low < 500_000 < high <= 1_000_000
    nothing = catalogue_intervals_ppm(np.zeros((2, 4)), catalogues)
    assert nothing == {"x": (500_000, 500_000), "y": (250_000, 250_000), "z": (250_000, 250_000)}


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(ParameterError, match="one checkpoint"):
        Influence(WORKS, [])
    with pytest.raises(ParameterError, match="4 works"):
        Influence(WORKS, [Witness.of(np.ones((3, 2), np.float32), run=0)])
    with pytest.raises(ParameterError, match="not finite"):
        Witness.of(np.full((2, 2), np.nan, np.float32), run=5)
