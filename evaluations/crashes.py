"""Seeded lives of a workspace with crashes in them: do the books balance after each, and does the work go on.

A life is a row of operations drawn from a seed: usage comes in, is run, a claim is disputed and decided, a share is
corrected, a party is merged, the catalogue learns an ISRC, a period is closed and paid. It is lived twice: once in
peace on SQLite, once, there or on a PostgreSQL server, with a crash in every operation, at its first write, at its
second in the next of its kind, and so on in turn; a write is a changing statement, a commit, or a file that takes its
place. After a crash the workspace is opened anew, the books are proved, and the operation is done again.

Conventions
-----------
``operations`` counts what was drawn, ``runs`` those of them that post to the books, ``crashes`` those that were cut
short; ``writes_reached`` is the latest write at which one was. ``unproved`` counts crashes after which the books did
not add up, ``different`` lives that ended with other entries than in peace: both must be 0. Division is a pure function
of what a run knows: it is worked out once for each question, and remembered. Everything lies in memory where the
machine has ``/dev/shm``.
"""

import random
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, make_url, update

from benchmarks.outcome import Outcome, arguments, tell
from linernotes.journeys import pay
from linernotes.model import Advance, Party, Recording, RecordingEntry, RightType, Share, Terms, UsageLine, Work
from linernotes.model.usage import UsageReport
from linernotes.store import chain, royalties, royalty_statements, schema
from linernotes.store.database import writing
from linernotes.store.royalty_statements import copy_table
from linernotes.workspace import Workspace

__all__ = ["CrashError", "Operation", "Tally", "begin", "crashing_at", "life", "live", "main", "opened", "remembered"]

AT = datetime(2026, 2, 1, tzinfo=UTC)
ISRCS = ("DEA000000001", "DEA000000002")
_STRANGE = "XXX000000001"
_WRITES_IN_TURN = {True: 14, False: 2}  # of what posts to the books, of what does not
_LIFE = 100


class CrashError(Exception):
    """The machine stops here."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of a life; ``period`` is the one that is open then."""

    kind: str
    period: str
    act: Callable[[Workspace], object]

    @property
    def posts(self) -> bool:
        """Tell whether it writes to the books."""
        return self.kind in ("run", "close")


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of lives; added up with ``+``."""

    operations: int = 0
    runs: int = 0
    crashes: int = 0
    writes_reached: int = 0
    unproved: int = 0
    different: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        reached = max(self.writes_reached, other.writes_reached)
        sums = {name: getattr(self, name) + getattr(other, name) for name in self.__slots__}
        return Tally(**sums | {"writes_reached": reached})


# ── a life ───────────────────────────────────────────────────────────────────


def begin(workspace: Workspace) -> None:
    """Enter two recordings, three parties, a claim, an advance and terms."""
    for number, isrc in enumerate(ISRCS):
        recording_id, work_id = f"rec_{number}", f"wrk_{number}"
        recording = Recording(recording_id, "T", "A", f"{number + 1}" * 64, "x", 1.0, 1, 1, isrc=isrc, work_id=work_id)
        shares = [
            Share(recording_id, "pty_a", RightType.MASTER, Fraction(2, 3)),
            Share(recording_id, "pty_b", RightType.MASTER, Fraction(1, 3)),
            Share(work_id, "pty_c", RightType.PERFORMANCE, Fraction(1)),
        ]
        parties = [Party(party, party) for party in ("pty_a", "pty_b", "pty_c")]
        workspace.catalogue.add(RecordingEntry(recording, work=Work(work_id, "W"), parties=parties, shares=shares))
    asked = {"id": "clm_1", "upload_sha256": "1" * 64, "party_id": "pty_c", "action": "share", "share": "1/7"}
    claim = {
        "id": "clm_1",
        "upload_sha256": "1" * 64,
        "evidence_id": "e" * 64,
        "subject_id": "rec_1",
        "party_id": "pty_c",
        "right_type": "master",
        "use_type": "recording",
        "state": "proposed",
        "content": chain.canonical({**asked, "side": "recording", "exceptions": []}),
        "head": "0" * 64,
    }
    with writing(workspace.books.engine) as connection:
        connection.execute(insert(schema.uploads).values(sha256="1" * 64, path="x", first_seen_at=AT))
        connection.execute(insert(schema.evidence).values(id="e" * 64, upload_sha256="1" * 64, payload="{}"))
        connection.execute(insert(schema.claims).values({**claim, "proposed_at": AT}))
    workspace.agreements.add_advances([Advance("adv", "pty_a", "EUR", 3_000_000, AT.date())])
    kept = Terms("pty_c", reserve=Fraction(1, 4), reserve_periods=2)
    workspace.agreements.set_terms([Terms("pty_b", withholding=Fraction(15, 100), minimum_micro=400_000), kept])


def life(seed: int, length: int) -> list[Operation]:
    """Draw operations."""
    chance = random.Random(seed)  # noqa: S311  (a seed to live again by, no secret)
    month = 0
    found = []
    for number in range(length):
        period = f"{2026 + month // 12}-{month % 12 + 1:02d}"
        kind = chance.choice(["usage", "usage", "run", "claim", "share", "merge", "learn", "close"])
        act: Callable[[Workspace], object]
        if kind == "usage":
            of = chance.randint(max(0, month - 5), month)
            act = _bringing(chance, f"{2026 + of // 12}-{of % 12 + 1:02d}", number)
        elif kind in ("run", "close"):
            act = _running(period, close=kind == "close")
            month += kind == "close"
        elif kind == "claim":
            states = ["proposed", "confirmed", "disputed", "upheld", "withdrawn", "released"]
            act = _changing(schema.claims, "clm_1", state=chance.choice(states))
        elif kind == "share":
            act = _correcting(chance.randint(1, 6))
        elif kind == "merge":
            act = _changing(schema.parties, "pty_b", alias_of=chance.choice([None, "pty_a"]))
        else:
            act = _changing(schema.recordings, "rec_1", isrc=chance.choice([ISRCS[1], _STRANGE]))
        found.append(Operation(kind, period, act))
    return found


def _bringing(chance: random.Random, period: str, number: int) -> Callable[[Workspace], object]:
    name = f"{number:064x}"
    lines = [
        UsageLine(
            *(name, line, period, "DE", chance.choice(["EUR", "JPY"]), chance.randint(-500_000, 5_000_000), 1),
            *(chance.choice([*ISRCS, _STRANGE]), None, "T", "A", "Shop", "stream", "ads"),
        )
        for line in range(1, chance.randint(2, 6))
    ]

    written: list[Path] = []

    def bring(workspace: Workspace) -> None:
        if written:  # in the life before: the same file
            (path,) = workspace.royalties.usage_paths({period: [name]})
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(written[0], path)
        else:
            written.append(workspace.royalties.add_report(name, period, lines))
        report = UsageReport(name, "life", "life", AT.isoformat(), [period], len(lines), 0, 0, [], [])
        workspace.usage.enter(report, [])

    return bring


def _running(period: str, *, close: bool) -> Callable[[Workspace], object]:
    return lambda workspace: pay.run_royalties(workspace, period, at=AT, close=close)


def _changing(table: Any, key: str, **values: Any) -> Callable[[Workspace], object]:
    def change(workspace: Workspace) -> None:
        with writing(workspace.books.engine) as connection:
            connection.execute(update(table).where(table.c.id == key).values(**values))

    return change


def _correcting(parts: int) -> Callable[[Workspace], object]:
    chosen = (schema.shares.c.subject_id == "rec_0") & (schema.shares.c.party_id == "pty_a")

    def correct(workspace: Workspace) -> None:
        with writing(workspace.books.engine) as connection:
            connection.execute(update(schema.shares).where(chosen).values(numerator=parts, denominator=6))

    return correct


# ── crashes ──────────────────────────────────────────────────────────────────


@contextmanager
def crashing_at(number: int, crash: Callable[[], None]) -> Iterator[list[int]]:
    """Crash at the write with this number; gives how many there were, in a list of one."""
    count, one_at_a_time = [0], Lock()  # a run writes its files beside each other

    def write() -> None:
        with one_at_a_time:
            count[0] += 1
            is_due = count[0] == number
        if is_due:
            crash()

    def statement(_c: Any, _cursor: Any, text: str, *_: Any) -> None:
        if text.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
            write()

    def commit(connection: Connection) -> None:
        if connection.get_execution_options().get("write"):
            write()

    copy, keep = copy_table, royalties.Royalties.keep

    def copying(*given: Any) -> None:
        write()
        copy(*given)

    def keeping(*given: Any) -> None:
        write()
        keep(*given)
        write()

    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "commit", commit)
    royalties.Royalties.keep = keeping  # type: ignore[assignment,method-assign]
    for module in (royalties, royalty_statements):
        vars(module)["copy_table"] = copying
    try:
        yield count
    finally:
        event.remove(Engine, "before_cursor_execute", statement)
        event.remove(Engine, "commit", commit)
        royalties.Royalties.keep = keep  # type: ignore[method-assign]
        for module in (royalties, royalty_statements):
            vars(module)["copy_table"] = copy


@contextmanager
def remembered(folder: Path) -> Iterator[None]:
    """Remember, in ``folder``, what was divided by the same knowledge of the same reports: it comes to the same."""
    divide = royalties.Royalties.divided
    known_divisions: dict[str, royalties.Division] = {}

    @contextmanager
    def divided(
        self: royalties.Royalties,
        known: royalties.Known,
        reports: Mapping[str, Sequence[str]],
        received: Mapping[tuple[str, str], royalties.Received],
    ) -> Iterator[royalties.Division]:
        name = royalties.content_hash([known.digest, reports])
        if name in known_divisions:
            kept = Path(shutil.copytree(folder / name, known.folder / "kept"))
            yield replace(known_divisions[name], folder=kept)
            return
        with divide(self, known, reports, received) as division:
            division.written.result()
            shutil.copytree(division.folder, folder / name)
            known_divisions[name] = division
            yield division

    royalties.Royalties.divided = divided  # type: ignore[method-assign]
    try:
        yield
    finally:
        royalties.Royalties.divided = divide  # type: ignore[method-assign]


def opened(folder: Path, place: Path | str) -> Workspace:
    """Open a workspace in a folder, with its database there or at a URL, and all that a run needs of it."""
    workspace = Workspace(folder, database_url=place if isinstance(place, str) else None, writable=True)
    _ = workspace.books, workspace.royalties, workspace.agreements
    return workspace


def live(folder: Path, place: Path | str, operations: Sequence[Operation]) -> Tally:
    """Live these operations in peace, then with crashes; count what came of it."""
    calm = opened(folder / "calm", folder)
    with calm:
        begin(calm)
        for operation in operations:
            operation.act(calm)
        expected = _written(calm)
    with opened(folder / "rough", place) as workspace:
        begin(workspace)
    tally, numbers = Tally(operations=len(operations)), {True: 0, False: 0}
    workspace = opened(folder / "rough", place)
    for operation in operations:
        number = numbers[operation.posts] = numbers[operation.posts] % _WRITES_IN_TURN[operation.posts] + 1
        tally += Tally(runs=operation.posts)
        if not _crashed(workspace, operation, number):
            continue
        workspace.close()
        workspace = opened(folder / "rough", place)
        tally += Tally(crashes=1, writes_reached=number, unproved=bool(pay.check_books(workspace)[1]))
        came_late = operation.kind == "close" and workspace.books.closing(operation.period)  # after the commit
        if not came_late:
            operation.act(workspace)
    with workspace:
        tally += Tally(unproved=bool(pay.check_books(workspace)[1]), different=_written(workspace) != expected)
    return tally


def _crashed(workspace: Workspace, operation: Operation, number: int) -> bool:
    def crash() -> None:
        raise CrashError

    try:
        with crashing_at(number, crash):
            operation.act(workspace)
    except CrashError:
        return True
    return False


def _written(workspace: Workspace) -> list[object]:
    return [(e.period, e.kind, e.usage_period, e.cause, tuple(e.postings)) for e in workspace.books.entries()]


@contextmanager
def _empty(url: str | None, folder: Path) -> Iterator[Path | str]:
    """Give the place of an empty database: in a folder, or beside the one at the URL, gone afterwards."""
    if url is None:
        yield folder
        return
    name = f"lives_{secrets.token_hex(6)}"
    server = make_url(url).set(drivername="postgresql+psycopg")
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        try:
            yield server.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
        finally:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


def main() -> None:
    """Live, and print."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--operations", type=int, help="operations in all [default: 3000, quick: 300]")
    parser.add_argument("--seed", type=int, default=1, help="of the first life [default: 1]")
    parser.add_argument("--database", metavar="URL", help="PostgreSQL, with leave to make others [default: SQLite]")
    given = parser.parse_args()
    wanted = given.operations or (300 if given.quick else 3000)
    memory = Path("/dev/shm")  # noqa: S108  (only where it lies: the folder in it has a random name)
    above = memory if memory.is_dir() else None
    start, tally, seed = time.perf_counter(), Tally(), given.seed
    while tally.operations < wanted:
        with (
            tempfile.TemporaryDirectory(dir=above) as name,
            remembered(Path(name)),
            _empty(given.database, Path(name)) as place,
        ):
            tally += live(Path(name), place, life(seed, _LIFE))
        seed += 1
    figures = {name: float(getattr(tally, name)) for name in Tally.__slots__}
    figures |= {"lives": seed - given.seed, "wall_s": time.perf_counter() - start}
    database = "PostgreSQL" if given.database else "SQLite"
    tell(Outcome("crashes", f"lives from seed {given.seed}, {database}", figures), as_json=given.json)
    if tally.unproved or tally.different:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
