import os
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import IntegrityError

from linernotes.errors import ConflictError, NotFoundError, ParameterError, StorageError
from linernotes.model import Contribution, Party, Recording, RecordingEntry, RightType, Role, Share, Work
from linernotes.store.catalogue import Catalogue, content_id
from linernotes.store.schema import metadata


def entry(number: int = 1, **changes: object) -> RecordingEntry:
    recording = Recording(
        id=f"rec_{number}",
        title=f"Title {number}",
        artist="Ada",
        sha256=f"{number:064x}",
        path=f"/music/{number}.mp3",
        duration_s=12.5,
        sample_rate_hz=44_100,
        channels=2,
        work_id="wrk_1",
    )
    return RecordingEntry(
        recording=replace(recording, **changes),  # type: ignore[arg-type]
        work=Work("wrk_1", "A work", "T0345246801"),
        parties=[Party("pty_ada", "Ada", ipi_name_number="00014107338"), Party("pty_ben", "Ben")],
        contributions=[
            Contribution(f"rec_{number}", "pty_ada", Role.PERFORMER),
            Contribution("wrk_1", "pty_ada", Role.WRITER),
            Contribution("wrk_1", "pty_ben", Role.WRITER),
        ],
        shares=[
            Share("wrk_1", "pty_ada", RightType.PERFORMANCE, Fraction(1, 3)),
            Share("wrk_1", "pty_ben", RightType.PERFORMANCE, Fraction(2, 3)),
        ],
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.sqlite3"


def test_what_goes_in_comes_out(path: Path) -> None:
    catalogue = Catalogue(path, writable=True)
    catalogue.add(entry())
    assert catalogue.entry("rec_1") == entry()
    assert sum((share.fraction for share in catalogue.entry("rec_1").shares), Fraction(0)) == 1
    catalogue.close()
    again = Catalogue(path, writable=False)
    assert again.entry("rec_1") == entry()
    assert (len(again), again.known(["rec_1", "rec_2"])) == (1, {"rec_1"})


def test_iteration_pages_through_everything(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linernotes.store.catalogue._PAGE_ROWS", 3)
    catalogue = Catalogue(path, writable=True)
    for number in range(7):
        catalogue.add(entry(number))
    assert [recording.id for recording in catalogue] == [f"rec_{number}" for number in range(7)]


def test_the_same_work_and_parties_are_entered_once(path: Path) -> None:
    catalogue = Catalogue(path, writable=True)
    catalogue.add(entry(1))
    catalogue.add(entry(2))
    assert catalogue.entry("rec_2").work == catalogue.entry("rec_1").work
    assert catalogue.entry("rec_2").shares == catalogue.entry("rec_1").shares


def test_an_identifier_finds_a_party_under_another_name(path: Path) -> None:
    catalogue = Catalogue(path, writable=True)
    catalogue.add(entry(1))
    alias = replace(
        entry(2), parties=[Party("pty_x", "A. Ada", ipi_name_number="00014107338"), Party("pty_ben", "Ben")]
    )
    catalogue.add(replace(alias, contributions=[Contribution("rec_2", "pty_x", Role.PERFORMER)], shares=[]))
    assert [c.party_id for c in catalogue.entry("rec_2").contributions if c.subject_id == "rec_2"] == ["pty_ada"]


def test_conflicts_are_refused_whole(path: Path) -> None:
    catalogue = Catalogue(path, writable=True)
    catalogue.add(entry(1, isrc="USAT29900609"))
    with pytest.raises(ConflictError, match="already belongs to rec_1"):
        catalogue.add(entry(2, isrc="USAT29900609"))
    other = replace(entry(3), parties=[Party("pty_ada", "Ada", ipi_name_number="00000000199"), Party("pty_ben", "Ben")])
    with pytest.raises(ConflictError, match="ipi_name_number"):
        catalogue.add(other)
    assert [recording.id for recording in catalogue] == ["rec_1"]


def test_a_share_above_one_is_refused_by_the_database_itself(path: Path) -> None:
    catalogue = Catalogue(path, writable=True)
    bad = replace(entry(), shares=[Share("wrk_1", "pty_ada", RightType.PERFORMANCE, Fraction(4, 3))])
    with pytest.raises(IntegrityError, match="fraction"):
        catalogue.add(bad)
    assert len(catalogue) == 0


def test_a_missing_catalogue_is_empty_and_is_not_made_by_reading(path: Path) -> None:
    catalogue = Catalogue(path, writable=False)
    assert list(catalogue) == []
    with pytest.raises(NotFoundError, match="rec_1"):
        catalogue.entry("rec_1")
    assert not path.exists()


def test_migrations_build_exactly_the_schema(path: Path) -> None:
    catalogue = Catalogue(path, writable=True)
    with catalogue.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_connections_keep_the_house_rules(path: Path) -> None:
    catalogue = Catalogue(path, writable=True)
    with catalogue.engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("foreign_keys", "recursive_triggers", "journal_mode", "synchronous")
        }
    assert settings == {"foreign_keys": 1, "recursive_triggers": 1, "journal_mode": "wal", "synchronous": 2}


def test_a_newer_schema_is_left_alone(path: Path) -> None:
    Catalogue(path, writable=True).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    for writable in (True, False):
        with pytest.raises(ConflictError, match="newer"):
            Catalogue(path, writable=writable)


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_text("Dear diary, this is not a database. " * 100)
    with pytest.raises(ParameterError, match="not a Linernotes catalogue"):
        Catalogue(path, writable=True)


def test_a_full_disk_is_said_and_nothing_is_lost(path: Path) -> None:
    catalogue = Catalogue(path, writable=True)
    catalogue.add(entry(1))
    with catalogue.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1")  # as small as the database is: no page can be added
    with pytest.raises(StorageError, match="no room"):
        for number in range(2, 500):
            catalogue.add(entry(number, title="x" * 2000))
    kept = [recording.id for recording in catalogue]
    assert "rec_1" in kept
    assert all(catalogue.entry(recording_id).contributions for recording_id in kept)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_can_still_be_read(path: Path) -> None:
    catalogue = Catalogue(path, writable=True)
    catalogue.add(entry())
    catalogue.close()
    path.parent.chmod(0o555)
    try:
        assert len(Catalogue(path, writable=False)) == 1
        with pytest.raises(StorageError):
            Catalogue(path.parent / "new.sqlite3", writable=True)
    finally:
        path.parent.chmod(0o755)


def test_two_writers_take_turns(path: Path) -> None:
    Catalogue(path, writable=True).close()

    def write(first: int) -> None:
        catalogue = Catalogue(path, writable=True)
        for number in range(first, first + 20):
            catalogue.add(entry(number))
        catalogue.close()

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Catalogue(path, writable=False)) == 40


def test_killed_at_any_write_leaves_whole_entries(path: Path) -> None:
    Catalogue(path, writable=True).close()
    script = (
        "import sys, os\n"
        "from pathlib import Path\n"
        "from sqlalchemy import event\n"
        "from linernotes.store.catalogue import Catalogue\n"
        "sys.path.insert(0, sys.argv[3])\n"
        "import test_store_catalogue as t\n"
        "catalogue, left = Catalogue(Path(sys.argv[1]), writable=True), [int(sys.argv[2])]\n"
        "def count(*_):\n"
        "    left[0] -= 1\n"
        "    left[0] or os.kill(os.getpid(), 9)\n"
        "event.listen(catalogue.engine, 'after_cursor_execute', count)\n"
        "for number in range(1, 9): catalogue.add(t.entry(number))\n"
    )
    for nth in range(1, 40, 4):
        database_file = path.with_name(f"{nth}.sqlite3")
        Catalogue(database_file, writable=True).close()
        done = subprocess.run(
            [sys.executable, "-c", script, database_file, str(nth), str(Path(__file__).parent)], check=False
        )
        assert done.returncode == -9
        catalogue = Catalogue(database_file, writable=True)
        for recording in catalogue:
            assert catalogue.entry(recording.id).contributions
        for number in range(1, 9):
            if not catalogue.known([f"rec_{number}"]):
                catalogue.add(entry(number))
        assert len(catalogue) == 8


def test_content_ids_are_stable() -> None:
    assert content_id("pty", "Ada") == "pty_99a563ab2f6e21e9"
    assert content_id("pty", "A", "B") != content_id("pty", "AB")
