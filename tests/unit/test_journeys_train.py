"""Who may be learned from: consent, reservations, duplicates; nothing here needs PyTorch but the training itself."""

from pathlib import Path

import pytest

from linernotes.errors import ConflictError, FormatError, NotFoundError
from linernotes.formats.midi import write_midi
from linernotes.journeys import releases
from linernotes.journeys.train import TrainingSet, gather
from linernotes.model import Action
from linernotes.model.scores import Note, Score
from linernotes.workspace import Workspace
from tests.model_samples import AT, RELEASE, allow, fill, tune


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "w", writable=True)


def gathered(workspace: Workspace, table: Path) -> TrainingSet:
    return gather(workspace, table, release_id=releases.find_release(workspace, RELEASE).id, at=AT)


def test_works_with_everybodys_consent_are_taken(workspace: Workspace, tmp_path: Path) -> None:
    found = gathered(workspace, fill(workspace, tmp_path))
    assert (len(found.works), len(found.pieces), found.problems) == (9, 9, [])
    assert found.vocabulary.styles == ("folk",)
    first = found.works[0]
    assert (first.isrc, first.title) == ("USAT22600000", "Tune 0")
    assert {given.party for given in first.consents} == {"Ada"}
    assert len({given.subject_id for given in first.consents}) == 2  # the recording, and the work in it


def test_one_missing_consent_stops_it_and_is_named(workspace: Workspace, tmp_path: Path) -> None:
    table = fill(workspace, tmp_path, consenting=("Ada", "Bea"))
    with pytest.raises(ConflictError, match=r"Tune 2 \(USAT22600002\): Cleo says review"):
        gathered(workspace, table)
    allow(workspace, "Cleo", action=Action.BLOCK)
    with pytest.raises(ConflictError, match="Cleo says block"):
        gathered(workspace, table)


def test_a_consent_may_be_for_one_release_alone(workspace: Workspace, tmp_path: Path) -> None:
    table = fill(workspace, tmp_path, consenting=("Ada", "Bea"))
    allow(workspace, "Cleo", action=Action.BLOCK)
    allow(workspace, "Cleo", subject=releases.find_release(workspace, RELEASE).id)
    assert len(gathered(workspace, table).works) == 9
    with pytest.raises(ConflictError, match="Cleo says block"):
        gather(workspace, table, release_id=releases.find_release(workspace, "Hearth 1.1").id, at=AT)


@pytest.mark.parametrize("how", ["copyright", "tdmrep", "ai.txt", "beside"])
def test_a_reservation_in_or_beside_a_file_is_honoured(workspace: Workspace, tmp_path: Path, how: str) -> None:
    table = fill(workspace, tmp_path, n_works=3)
    if how == "copyright":
        piece = tune(1)
        marked = Score(
            piece.title, piece.notes, remarks=[("copyright", "(c) Bea. No AI training. All rights reserved")]
        )
        (tmp_path / "tune1.mid").write_bytes(write_midi(marked))
    elif how == "tdmrep":
        (tmp_path / "tdmrep.json").write_text('[{"location": "/tune1.mid", "tdm-reservation": 1}]', encoding="utf-8")
    elif how == "ai.txt":
        (tmp_path / "ai.txt").write_text("User-Agent: *\nAllow: /\nDisallow: /tune1.*\n", encoding="utf-8")
    else:
        (tmp_path / "tune1.mid.rights").write_text("machine learning: not allowed", encoding="utf-8")
    with pytest.raises(ConflictError, match=r"Tune 1 \(USAT22600001\): reserved") as caught:
        gathered(workspace, table)
    assert "Tune 0" not in str(caught.value)


def test_an_ordinary_copyright_line_reserves_nothing(workspace: Workspace, tmp_path: Path) -> None:
    table = fill(workspace, tmp_path, n_works=3)
    plain = Score(
        "Tune 1", tune(1).notes, remarks=[("copyright", "© 2026 Bea. All rights reserved."), ("text", "Main air")]
    )
    (tmp_path / "tune1.mid").write_bytes(write_midi(plain))
    assert len(gathered(workspace, table).works) == 3


def test_a_damaged_score_is_a_problem_and_the_rest_goes_on(workspace: Workspace, tmp_path: Path) -> None:
    table = fill(workspace, tmp_path, n_works=4)
    data = (tmp_path / "tune2.mid").read_bytes()
    (tmp_path / "tune2.mid").write_bytes(data[:60])
    found = gathered(workspace, table)
    assert (len(found.works), [problem.code for problem in found.problems]) == (3, ["midi"])
    assert [reference for reference, _ in found.left_out]


@pytest.mark.parametrize("n_notes", [32, 24])
def test_one_tune_under_two_owners_is_found_in_any_key_and_cut(
    workspace: Workspace, tmp_path: Path, n_notes: int
) -> None:
    table = fill(workspace, tmp_path, n_works=4)
    moved = [Note(note.start_ticks, note.duration_ticks, note.pitch + 3) for note in tune(0).notes[:n_notes]]
    (tmp_path / "tune1.mid").write_bytes(write_midi(Score("Mine", moved)))
    found = gathered(workspace, table)
    assert [work.title for work in found.works] == ["Tune 0", "Tune 2", "Tune 3"]
    (problem,) = found.problems
    assert problem.code == "duplicate"
    assert "two owners" in problem.message


def test_a_faulty_table_says_where(workspace: Workspace, tmp_path: Path) -> None:
    table = fill(workspace, tmp_path, n_works=3)
    text = table.read_text(encoding="utf-8")
    for faulty, error, said in (
        ("recording\nx\n", FormatError, "no column file"),
        (text + "tune0.mid,USAT22600000,folk\n", FormatError, "line 2 already"),
        (text + "tune0.mid,USAT22699999,folk\n", NotFoundError, "USAT22699999"),
        (text + ",USAT22600000,folk\n", FormatError, "line 5"),
    ):
        table.write_text(faulty, encoding="utf-8")
        with pytest.raises(error, match=said):
            gathered(workspace, table)
    with pytest.raises(NotFoundError, match="no model release is called"):
        releases.find_release(workspace, "Nothing 2.0")
