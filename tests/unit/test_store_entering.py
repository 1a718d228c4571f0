import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection

from linernotes.formats.csv_lines import read_cells
from linernotes.formats.tables import read_header
from linernotes.journeys.catalogue import Checked, check
from linernotes.journeys.table_rows import Told, from_lines
from linernotes.model import Reference
from linernotes.store.batches import Batch
from linernotes.store.bulk import those_set_aside
from linernotes.store.database import reading, writing
from linernotes.store.entering import Entering
from linernotes.workspace import Workspace
from tests.catalogue_samples import imported, table


@pytest.fixture
def workspace(tmp_path: Path, place: Path | str) -> Iterator[Workspace]:
    url = None if isinstance(place, Path) else place
    with Workspace(tmp_path / "workspace", database_url=url, writable=True) as opened:
        yield opened


def test_what_enters_in_bulk_is_registered_now(tmp_path: Path, workspace: Workspace) -> None:
    before = datetime.now(UTC)
    imported(workspace, table(tmp_path))
    entry = workspace.claims.reference(Reference("x", "Night", "Ada", "USAT29900609", None))
    assert entry is not None
    assert entry.work is not None
    assert len(entry.registered_at) == 2
    assert all(before <= moment <= datetime.now(UTC) for moment in entry.registered_at.values())
    first = entry.registered_at
    imported(workspace, table(tmp_path))
    again = workspace.claims.reference(Reference("x", "Night", "Ada", "USAT29900609", None))
    assert again is not None
    assert again.registered_at == first


def test_indexes_set_aside_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linernotes.journeys.catalogue._ALONE_BYTES_MAX", 1)
    monkeypatch.setattr("linernotes.formats.csv_lines._CHUNK_LINES", 1)
    monkeypatch.setattr("linernotes.formats.csv_lines._BLOCK_LINES", 1)
    seen: list[int] = []
    enter = Entering.enter

    def watched(self: Entering, connection: Connection, batch: Batch) -> None:
        seen.append(len(those_set_aside(connection)))
        enter(self, connection, batch)

    monkeypatch.setattr(Entering, "enter", watched)
    monkeypatch.setattr("linernotes.journeys.catalogue._read_table", _read_here)
    with Workspace(tmp_path / "w", writable=True) as workspace:
        lines = "title,isrc,iswc,writers\nA,USAT29900609,T0345246801,Ada 1/1\nB,USAT29900610,T0345246801,Ada 1/1\n"
        result = imported(workspace, table(tmp_path, lines + "C,,,Eva 1/1\n"))
        assert (result.n_works, result.n_recordings) == (2, 3)
        # A work that comes up again is looked up by its shares: their index is back before the third batch.
        assert seen == [4, 4, 3]
        with reading(workspace.catalogue.engine) as connection:
            assert those_set_aside(connection) == []
        imported(workspace, table(tmp_path))
        assert seen[3:] == [0, 0, 0]
    with Workspace(tmp_path / "w", writable=True) as workspace, writing(workspace.catalogue.engine) as connection:
        connection.exec_driver_sql("DROP INDEX ix_parties_name")  # as a kill would leave it
    with Workspace(tmp_path / "w", writable=True) as workspace, reading(workspace.catalogue.engine) as connection:
        assert those_set_aside(connection) == []


def _read_here(path: Path, **how: object) -> Iterator[Told]:
    del how
    header = read_header(path)
    for lines in read_cells(path, header):
        yield from_lines(path, header, lines)


_IMPORT = """
import sys, time
from pathlib import Path
from linernotes.journeys.catalogue import import_files
from linernotes.store.bulk import those_set_aside
from linernotes.store.database import reading, writing
from linernotes.store.entering import Entering
from linernotes.workspace import Workspace
folder, url, table, ready = sys.argv[1:]
with Workspace(Path(folder), database_url=url or None, writable=True) as workspace:
    Path(ready, Path(table).name).touch()
    while len(list(Path(ready).iterdir())) < 2:
        time.sleep(0.002)
    result = import_files(workspace, [Path(table)])
print(result.n_works, result.n_recordings, sorted({p.code for p in result.problems}))
"""


def test_two_processes_import_at_once_and_nothing_is_lost(
    tmp_path: Path, place: Path | str, workspace: Workspace
) -> None:
    assert len(workspace.catalogue) == 0  # makes the database
    ready = tmp_path / "ready"
    ready.mkdir()
    both = "title,isrc,iswc,writers\n" + "".join(f"T{n},USAT29910{n:03d},,Ada {n + 1}/200\n" for n in range(100))
    texts = (both, both + "Own,USAT29920000,,Ben 1/1\n")
    tables = [table(tmp_path, text, name=f"{n}.csv") for n, text in enumerate(texts)]
    url = "" if isinstance(place, Path) else place
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _IMPORT, tmp_path / "workspace", url, path, ready], stdout=subprocess.PIPE, text=True
        )
        for path in tables
    ]
    told = [process.communicate(timeout=120)[0].split(maxsplit=2) for process in processes]
    assert [problems.strip() for *_, problems in told] == ["[]", "[]"]
    # Who came second found the hundred there already; the shares stand once.
    assert sum(int(n_recordings) for _, n_recordings, _ in told) == len(workspace.catalogue) == 101
    assert list(check(workspace, checked := Checked())) != []
    assert set(checked.n_findings) == {"shares_missing"}


def test_what_was_entered_stays_and_the_same_command_does_the_rest(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linernotes.store.catalogue._KEPT_EVERY_S", 0.0)
    monkeypatch.setattr("linernotes.formats.csv_lines._CHUNK_LINES", 1)
    monkeypatch.setattr("linernotes.formats.csv_lines._BLOCK_LINES", 1)
    path = table(tmp_path, "title,isrc\n" + "".join(f"T{n},USAT2990061{n}\n" for n in range(5)))
    enter, left = Entering.enter, [3]

    def fail(self: Entering, connection: Connection, batch: Batch) -> None:
        left[0] -= 1
        if not left[0]:
            raise RuntimeError("the power went")
        enter(self, connection, batch)

    monkeypatch.setattr(Entering, "enter", fail)
    with pytest.raises(RuntimeError, match="power"):
        imported(workspace, path)
    assert len(workspace.catalogue) == 2
    monkeypatch.setattr(Entering, "enter", enter)
    result = imported(workspace, path)
    assert (result.n_recordings, result.n_known, len(workspace.catalogue)) == (3, 2, 5)
