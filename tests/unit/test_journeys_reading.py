import multiprocessing
import os
from pathlib import Path

import pytest

from linernotes.errors import FormatError, StorageError
from linernotes.journeys.reading import in_other_processes
from linernotes.workspace import Workspace
from tests.catalogue_samples import imported, table


def test_other_processes_read_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linernotes.journeys.catalogue._ALONE_BYTES_MAX", 1)
    with Workspace(tmp_path / "w", writable=True) as workspace:
        result = imported(workspace, table(tmp_path), jobs=2)
        assert (result.n_works, result.n_recordings, result.n_faulty) == (2, 2, 1)


@pytest.mark.parametrize(("jobs", "helped"), [(3, 2), (1, 2), (1, 0)])
def test_processes_read_in_order_up_to_where_a_file_is_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int, helped: int
) -> None:
    monkeypatch.setattr("linernotes.journeys.reading._HELPED", helped)
    path = tmp_path / "long.csv"
    path.write_text("title,isrc\n" + "".join(f"T{n},USAT2{n:07d}\n" for n in range(21_000)))
    with path.open("ab") as handle:
        handle.write(b"\xff\xfe,\n")
    batches: list[list[str]] = []
    with pytest.raises(FormatError, match="not UTF-8"):
        for told in in_other_processes(path, jobs=jobs, is_helped=helped > 0):
            batches.append(sorted(told.batch.recordings.column("isrc")))
    assert [isrc for batch in batches for isrc in batch] == [f"USAT2{n:07d}" for n in range(20_000)]


def test_a_process_that_reads_ahead_ends_when_nobody_wants_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("title\n" + "".join(f"T{n}\n" for n in range(90_000)))  # more chunks than are read ahead
    for told in in_other_processes(path, jobs=1):
        assert told.n_lines == 10_000
        break
    assert multiprocessing.active_children() == []


def test_a_process_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linernotes.journeys.reading._send", os._exit)
    with pytest.raises(StorageError, match="a process that read it died"):
        list(in_other_processes(table(tmp_path), jobs=1))
