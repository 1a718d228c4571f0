"""Where a piece came from; what needs PyTorch is marked."""

import json
from pathlib import Path

import pytest

from linernotes.errors import ConflictError, FormatError, NotFoundError, ParameterError
from linernotes.formats.midi import write_midi
from linernotes.journeys import releases
from linernotes.journeys.attribute import attribute, measure, prepare
from linernotes.model.scores import Score
from linernotes.workspace import Workspace
from tests.model_samples import AT, RELEASE, fill, sign_release, tune


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "w", writable=True)


def piece(folder: Path, score: Score) -> Path:
    (folder / "piece.mid").write_bytes(write_midi(score))
    return folder / "piece.mid"


def test_three_numbers_are_told_and_influence_adds_up(workspace: Workspace, tmp_path: Path) -> None:
    sign_release(workspace, tmp_path)
    found = attribute(workspace, RELEASE, piece(tmp_path, tune(4)))
    first = found.works[0]
    assert (first.title, first.copied) == ("Tune 4", 1.0)
    assert first.similar > 0.9
    assert first.influenced_ppm == max(work.influenced_ppm for work in found.works)
    assert sum(work.influenced_ppm for work in found.works) == 1_000_000
    assert sum(owed.share_ppm for owed in found.catalogues) == 1_000_000
    assert all(owed.low_ppm <= owed.share_ppm <= owed.high_ppm for owed in found.catalogues)
    assert {owed.party for owed in found.catalogues} == {"Ada", "Bea", "Cleo"}
    assert found.passages[0]["work_ids"] == [first.reference_id]
    assert (found.method, found.informativeness_ppm) == ("counts", 0)


def test_a_foreign_piece_is_answered_with_a_doubt(workspace: Workspace, tmp_path: Path) -> None:
    where = sign_release(workspace, tmp_path)
    path = piece(tmp_path, tune(77))
    assert {problem.code for problem in attribute(workspace, RELEASE, path).problems} == {"foreign", "not_prepared"}
    path.with_suffix(".credits.json").write_text(json.dumps({"release_id": where.name}), encoding="utf-8")
    assert {problem.code for problem in attribute(workspace, RELEASE, path).problems} == {"not_prepared"}
    path.with_suffix(".credits.json").write_text("{broken", encoding="utf-8")
    assert len(attribute(workspace, RELEASE, path).problems) == 2


def test_what_cannot_be_asked_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    where = sign_release(workspace, tmp_path)
    (tmp_path / "noise.mid").write_bytes(b"MThd\0\0\0\6 not music")
    with pytest.raises(FormatError):
        attribute(workspace, RELEASE, tmp_path / "noise.mid")
    path = piece(tmp_path, tune(1))
    with pytest.raises(NotFoundError):
        attribute(workspace, "Nobody's model", path)
    (where / "weights.npz").write_bytes(b"others")
    with pytest.raises(ConflictError, match=r"weights\.npz: not what was signed"):
        attribute(workspace, RELEASE, path)


@pytest.mark.extras
def test_a_prepared_release_is_asked_by_gradients_and_measured(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="needs the extra models")
    from linernotes.journeys.train import train  # noqa: PLC0415 - needs PyTorch

    monkeypatch.setattr("linernotes.journeys.attribute._N_QUERIES", 4)
    trained = train(workspace, fill(workspace, tmp_path), release=RELEASE, at=AT, size="tiny", n_epochs=2)
    path = piece(tmp_path, tune(4))
    with pytest.raises(ConflictError, match="not prepared"):
        measure(workspace, RELEASE)
    heard: list[tuple[int, int]] = []
    prepare(workspace, RELEASE, n_runs=2, progress=lambda done, n_all: heard.append((done, n_all)))
    assert heard == sorted(heard)
    assert heard[-1] == (54, 54)  # 9 works: twice in a training of two epochs, twice for each of two checkpoints
    found = attribute(workspace, RELEASE, path)
    assert (found.method, found.n_runs, found.works[0].title) == ("gradients and counts", 2, "Tune 4")
    assert any(owed.low_ppm < owed.high_ppm for owed in found.catalogues)
    with pytest.raises(ParameterError, match="4 at least"):
        measure(workspace, RELEASE, n_subsets=3)
    told = measure(workspace, RELEASE, n_subsets=4)
    assert attribute(workspace, RELEASE, path).informativeness_ppm == told.informativeness_ppm
    assert releases.audited(trained.folder).faults == []  # nothing was written into what is signed
