"""A seeded life of a workspace, with a crash at every write in turn: after reopening the books add up, and go on.

Operations are drawn from a seed: usage comes in, is run, a claim is disputed and decided, a share is corrected, a party
is merged, the catalogue learns, a period is closed. Every run is tried with its first write failing, then its second,
and so on until none is left to fail; what is then in the books is what a life without crashes has there.
"""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, update
from sqlalchemy.engine import Engine

from linernotes.journeys import pay
from linernotes.model import Advance, Party, Recording, RecordingEntry, RightType, Share, Terms, Work
from linernotes.store import royalties, schema
from linernotes.store.database import writing
from linernotes.workspace import Workspace
from tests.royalty_oracle import line, write_usage

AT = datetime(2026, 2, 1, tzinfo=UTC)
PARTIES = ("pty_a", "pty_b", "pty_c")
ISRCS = ("DEA000000001", "DEA000000002")


class CrashError(Exception):
    """The machine stops here."""


@contextmanager
def crashing_at(number: int, crash: Callable[[], None]) -> Iterator[list[int]]:
    """Crash at the write with this number: of a changing statement, a commit, or a file that takes its place."""
    count = [0]

    def write() -> None:
        count[0] += 1
        if count[0] == number:
            crash()

    def statement(_c: Any, _cursor: Any, text: str, *_: Any) -> None:
        if text.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
            write()

    def commit(connection: Connection) -> None:
        if connection.get_execution_options().get("write"):
            write()

    copy, keep = royalties.copy_table, royalties.Royalties.keep

    def copying(*given: Any) -> None:
        write()
        copy(*given)

    def keeping(*given: Any) -> None:
        write()
        keep(*given)
        write()

    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "commit", commit)
    royalties.copy_table, royalties.Royalties.keep = copying, keeping  # type: ignore[assignment,method-assign]
    try:
        yield count
    finally:
        event.remove(Engine, "before_cursor_execute", statement)
        event.remove(Engine, "commit", commit)
        royalties.copy_table, royalties.Royalties.keep = copy, keep  # type: ignore[method-assign]


def begin(workspace: Workspace) -> None:
    for number, isrc in enumerate(ISRCS):
        recording_id, work_id = f"rec_{number}", f"wrk_{number}"
        recording = Recording(recording_id, "T", "A", f"{number + 1}" * 64, "x", 1.0, 1, 1, isrc=isrc, work_id=work_id)
        shares = [
            Share(recording_id, "pty_a", RightType.MASTER, Fraction(2, 3)),
            Share(recording_id, "pty_b", RightType.MASTER, Fraction(1, 3)),
            Share(work_id, "pty_c", RightType.PERFORMANCE, Fraction(1)),
        ]
        parties = [Party(party, party) for party in PARTIES]
        workspace.catalogue.add(RecordingEntry(recording, work=Work(work_id, "W"), parties=parties, shares=shares))
    content = (
        '{"id":"clm_1","upload_sha256":"%s","party_id":"pty_c","action":"share","share":"1/7","side":"recording",'
        '"exceptions":[]}' % ("1" * 64)
    )
    with writing(workspace.books.engine) as connection:
        connection.execute(insert(schema.uploads).values(sha256="1" * 64, path="x", first_seen_at=AT))
        connection.execute(insert(schema.evidence).values(id="e" * 64, upload_sha256="1" * 64, payload="{}"))
        connection.execute(
            insert(schema.claims).values(
                id="clm_1",
                upload_sha256="1" * 64,
                evidence_id="e" * 64,
                subject_id="rec_1",
                party_id="pty_c",
                right_type="master",
                use_type="recording",
                state="proposed",
                content=content,
                head="0" * 64,
                proposed_at=AT,
            )
        )
    workspace.agreements.add_advances([Advance("adv", "pty_a", "EUR", 3_000_000, AT.date())])
    workspace.agreements.set_terms([Terms("pty_b", withholding=Fraction(15, 100), minimum_micro=400_000)])


Operation = Callable[[Workspace], None]


def life(seed: int, length: int) -> list[tuple[str, str, Operation]]:
    """Draw operations; the runs among them are named ``run`` or ``close``."""
    chance = random.Random(seed)
    month = 1
    found: list[tuple[str, str, Operation]] = []
    for number in range(length):
        period = f"2026-{month:02d}"
        kind = chance.choice(["usage", "usage", "run", "claim", "share", "merge", "learn", "close"])
        if kind == "usage":
            of = f"2026-{chance.randint(1, month):02d}"
            lines = [
                line(
                    chance.randint(-500_000, 5_000_000),
                    isrc=chance.choice([*ISRCS, "XXX000000001"]),
                    period=of,
                    currency=chance.choice(["EUR", "JPY"]),
                )
                for _ in range(chance.randint(1, 5))
            ]
            found.append((kind, period, lambda w, of=of, n=number, lines=lines: _bring(w, of, f"r{n}", lines)))  # type: ignore[misc]
        elif kind in ("run", "close"):
            close = kind == "close"
            found.append((kind, period, lambda w, p=period, c=close: _run(w, p, close=c)))  # type: ignore[misc]
            month += close
        elif kind == "claim":
            state = chance.choice(["proposed", "confirmed", "disputed", "upheld", "withdrawn", "released"])
            found.append((kind, period, lambda w, s=state: _change(w, schema.claims, "clm_1", state=s)))  # type: ignore[misc]
        elif kind == "share":
            parts = chance.randint(1, 6)
            found.append((kind, period, lambda w, n=parts: _correct(w, n)))  # type: ignore[misc]
        elif kind == "merge":
            other = chance.choice([None, "pty_a"])
            found.append((kind, period, lambda w, o=other: _change(w, schema.parties, "pty_b", alias_of=o)))  # type: ignore[misc]
        else:
            isrc = chance.choice([ISRCS[1], "XXX000000001"])
            found.append((kind, period, lambda w, i=isrc: _change(w, schema.recordings, "rec_1", isrc=i)))  # type: ignore[misc]
    return found


def _bring(workspace: Workspace, of: str, name: str, lines: list[Any]) -> None:
    write_usage(workspace, of, name, lines)


def _run(workspace: Workspace, period: str, *, close: bool) -> None:
    pay.run_royalties(workspace, period, at=AT, close=close)


def _change(workspace: Workspace, table: Any, key: str, **values: Any) -> None:
    with writing(workspace.books.engine) as connection:
        connection.execute(update(table).where(table.c.id == key).values(**values))


def _correct(workspace: Workspace, parts: int) -> None:
    chosen = (schema.shares.c.subject_id == "rec_0") & (schema.shares.c.party_id == "pty_a")
    with writing(workspace.books.engine) as connection:
        connection.execute(update(schema.shares).where(chosen).values(numerator=parts, denominator=6))


def opened(folder: Path, place: Path | str) -> Workspace:
    return Workspace(folder, database_url=place if isinstance(place, str) else None, writable=True)


def written(workspace: Workspace) -> list[object]:
    return [(e.period, e.kind, e.usage_period, e.cause, tuple(e.postings)) for e in workspace.books.entries()]


@pytest.mark.parametrize("seed", range(3))
def test_a_crash_at_any_write_costs_nothing(tmp_path: Path, place: Path | str, seed: int) -> None:
    operations = life(seed, 14)
    with Workspace(tmp_path / "calm", writable=True) as calm:
        begin(calm)
        for _, _, operation in operations:
            operation(calm)
        expected = written(calm)
    folder = tmp_path / "rough"
    with opened(folder, place) as workspace:
        begin(workspace)
    crashes = 0
    for kind, period, operation in operations:
        if kind not in ("run", "close"):
            with opened(folder, place) as workspace:
                operation(workspace)
            continue
        for number in range(1, 200):
            with opened(folder, place) as workspace:
                _ = workspace.books, workspace.royalties, workspace.agreements
                try:
                    with crashing_at(number, _raise) as count:
                        operation(workspace)
                    if count[0] < number:
                        break
                except CrashError:
                    crashes += 1
            with opened(folder, place) as workspace:
                assert pay.check_books(workspace)[1] == []
                if kind == "close" and workspace.books.closing(period):
                    break  # the crash came after the close was committed
    with opened(folder, place) as workspace:
        assert pay.check_books(workspace)[1] == []
        assert written(workspace) == expected
    assert crashes > 0


def _raise() -> None:
    raise CrashError


KILLED = """
import os, signal, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.property.test_books_simulator import crashing_at, opened, _run
with opened(Path({folder!r}), Path("-")) as workspace:
    workspace.books, workspace.royalties, workspace.agreements
    with crashing_at({number}, lambda: os.kill(os.getpid(), signal.SIGKILL)):
        _run(workspace, "2026-01", close=True)
"""


def test_a_kill_at_any_write_costs_nothing(tmp_path: Path) -> None:
    with Workspace(tmp_path, writable=True) as workspace:
        begin(workspace)
        write_usage(workspace, "2026-01", "r", [line(5_000_000, isrc=ISRCS[0]), line(7, isrc=ISRCS[1])])
    root = str(Path(__file__).parents[2])
    killed = 0
    for number in (1, 8, 14, 15, 16, 17, 18, 19, 20, 21, 99):
        script = KILLED.format(root=root, folder=str(tmp_path), number=number)
        done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, env=os.environ)
        killed += done.returncode == -signal.SIGKILL
        with Workspace(tmp_path, writable=True) as workspace:
            assert pay.check_books(workspace)[1] == []
            if workspace.books.closing("2026-01"):
                break
        assert done.returncode == -signal.SIGKILL, done.stderr
    assert killed > 3
    with Workspace(tmp_path) as workspace:
        assert workspace.books.closing("2026-01") is not None
        assert len(workspace.books.runs()) == 1


def test_of_two_that_run_at_once_one_books(tmp_path: Path) -> None:
    with Workspace(tmp_path, writable=True) as workspace:
        begin(workspace)
        write_usage(workspace, "2026-01", "r", [line(5_000_000, isrc=ISRCS[0]), line(7, isrc=ISRCS[1])])
    command = [sys.executable, "-m", "linernotes", "royalties", "run", "--period", "2026-01"]
    both = [
        subprocess.Popen([*command, "--workspace", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    codes = []
    for each in both:
        _, said = each.communicate(timeout=300)
        codes.append(each.returncode)
        assert each.returncode in (0, 4), said
    assert 0 in codes
    with Workspace(tmp_path) as workspace:
        assert len(workspace.books.runs()) == 1
        assert -sum(a for (account, _, _), a in workspace.books.balances().items() if account == "cash") == 5_000_007
        assert pay.check_books(workspace)[1] == []
