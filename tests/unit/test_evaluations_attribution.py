"""The truth that attribution is judged by; needs PyTorch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from linernotes.formats.midi import write_midi
from tests.model_samples import tune

pytest.importorskip("torch", reason="needs the extra models")

from evaluations import influence_peers as peers
from evaluations import retraining
from linernotes.learn.training import TrainingSettings

pytestmark = pytest.mark.extras


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> retraining.Corpus:
    for name, value in {"_FAMILIES": 1, "_WORKS_PER_FAMILY": 3, "_WORKS_PER_COLLECTION": 2}.items():
        monkeypatch.setattr(retraining, name, value)
    monkeypatch.setattr(retraining, "_QUERIES_PER_COLLECTION", 1)
    lines = ["file,corpus,family,family_type"]
    (tmp_path / "scores").mkdir()
    for number in range(14):
        family = "mtc,Lied,tune_family (expert)" if number < 8 else f"{('ceol-rince', 'nottingham')[number % 2]},,"
        (tmp_path / "scores" / f"{number}.mid").write_bytes(write_midi(tune(number)))
        lines.append(f"{number}.mid,{family}")
    (tmp_path / "scores" / "broken.mid").write_bytes(b"MThd")
    lines.append("broken.mid,mtc,Lied,tune_family (expert)")
    (tmp_path / "scores" / "manifest.csv").write_text("\n".join(lines), encoding="utf-8")
    return retraining.load(tmp_path)


def test_queries_are_no_works_and_of_the_same_catalogues(corpus: retraining.Corpus) -> None:
    assert (len(corpus.works), len(corpus.queries)) == (7, 5)
    assert set(corpus.works) & set(corpus.queries) == set()
    assert set(corpus.catalogue_of_works()) == {"Lied", "ceol-rince", "nottingham"}


def test_halves_do_not_depend_on_how_many_are_asked_for() -> None:
    few, many = retraining.halves(10, 3), retraining.halves(10, 6)
    assert [half.tolist() for half in few] == [half.tolist() for half in many[:3]]
    assert {len(half) for half in many} == {5}


def test_a_training_is_done_once(corpus: retraining.Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, queries = tmp_path / "cache", [corpus.pieces[i] for i in corpus.queries]
    monkeypatch.setattr(retraining, "SETTINGS", TrainingSettings(n_epochs=1))
    subsets = retraining.halves(len(corpus.works), 2)
    told = retraining.losses(corpus, subsets, queries, seeds=(0, 1), cache=cache)
    assert told.shape == (2, 2, 5)
    assert len(list(cache.glob("*.npz"))) == 4

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(retraining, "train", never)
    assert (retraining.losses(corpus, subsets, queries, seeds=(0, 1), cache=cache) == told).all()


def test_simple_rows_score_every_query_and_work(corpus: retraining.Corpus) -> None:
    works, queries = [corpus.pieces[i] for i in corpus.works], [corpus.pieces[i] for i in corpus.queries]
    for scores in (
        peers.chance(works, queries),
        peers.overlap(works, queries, size=2),
        peers.counting(works, queries),
    ):
        assert scores.shape == (5, 7)
        assert np.isfinite(scores).all()
