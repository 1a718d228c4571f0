from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from linernotes.store.batches import SHARE, WORK_RIGHTS, Rows
from linernotes.store.database import reading, writing
from linernotes.store.row_sets import add, add_whole_shares
from linernotes.store.schema import parties, shares
from linernotes.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path, place: Path | str) -> Iterator[Workspace]:
    url = None if isinstance(place, Path) else place
    with Workspace(tmp_path / "workspace", database_url=url, writable=True) as opened:
        yield opened


def _named(numbers: range) -> Rows:
    return Rows.of(("id", "name"), [(f"pty_{number}", f"Ada (?, ?) {number}") for number in numbers])


@pytest.mark.parametrize("count", [1, 499, 500, 501, 1203])
def test_any_number_of_rows_enters_and_those_that_are_here_stay(workspace: Workspace, count: int) -> None:
    engine = workspace.catalogue.engine
    with writing(engine) as connection:
        assert add(connection, parties, _named(range(count))) == count
        assert add(connection, parties, _named(range(count)), alias_of=None) == 0
        assert add(connection, parties, _named(range(count - 1, count + 700)), ipi_base_number="I-1") == 700
    with reading(engine) as connection:
        rows = connection.execute(select(parties)).all()
    assert {row.id: row.name for row in rows} == dict(_named(range(count + 700)))
    assert Counter(row.ipi_base_number for row in rows) == {None: count, "I-1": 700}


def test_a_share_of_each_right_in_a_work(workspace: Workspace) -> None:
    engine, rights = workspace.catalogue.engine, WORK_RIGHTS.split()
    stated = [(f"wrk_{n}", "pty_0", 1, n + 1, "2136", None, None) for n in range(1203)]
    with writing(engine) as connection:
        add(connection, parties, _named(range(1)))
        add_whole_shares(connection, Rows.of([name for name in SHARE if name != "right_type"], stated))
    with reading(engine) as connection:
        rows = {tuple(row)[1:] for row in connection.execute(select(shares))}
    assert rows == {(*row[:2], right, *row[2:]) for row in stated for right in rights}
