"""Common Works Registration: works with their writers, publishers, shares and recordings, read and written.

Conventions
-----------
Read from NWR, REV and ISW transactions, also those that an acknowledgement sends back. Ownership shares (SPU, OPU, SWR,
OWR) become shares of the world in performance, mechanical and synchronisation, exact to the hundredth of a percent that
CWR has. What is not kept, such as who collects where, is counted by record and field and told, a problem for each; what
cannot be read is told by line. Written are 2.1 and 2.2: capitals, exact widths, CRLF.

Source: as :mod:`linernotes.formats.cwr_records`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from linernotes import identifiers
from linernotes.errors import FormatError, IdentifierError
from linernotes.formats.cwr_records import CwrRecord, parse_record
from linernotes.formats.party_cells import PartyLine
from linernotes.model import Problem, RightType, Role

__all__ = ["RIGHTS", "Acknowledgement", "CwrReader", "CwrRecording", "CwrWork"]

RIGHTS = (
    ("pr_share", RightType.PERFORMANCE),
    ("mr_share", RightType.MECHANICAL),
    ("sr_share", RightType.SYNCHRONISATION),
)
"""The share fields of a record, and which right each divides."""

_LINE_BYTES_MAX = 4096
_WORKS = frozenset({"NWR", "REV", "ISW", "EXC"})
_STARTS = _WORKS | {"ACK", "AGR"}
_WRITER_ROLES = {"AR": Role.ARRANGER, "AD": Role.ARRANGER, "SR": Role.ARRANGER, "TR": Role.ARRANGER, "PA": Role.HEIR}
_PLAIN_ROLES = frozenset({"CA", "AR", "PA", "E"})
_UNSAID = frozenset({"0", "N", "U"})
_SAID_NOTHING_WITH = {
    "constant": "", "constant_2": "", "filler": "", "category": "UNC", "version": "ORI", "refusal": "N",
    "grand_rights": "N", "priority": "N", "recorded": "N", "isrc_validity": "Y",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CwrRecording:
    """A recording as a REC record tells of it; title and artist only from CWR 2.2."""

    isrc: str | None = None
    title: str | None = None
    artist: str | None = None
    duration_s: int | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class CwrWork:
    """A registration: a work, who has which share, its recordings, who performs it."""

    title: str
    iswc: str | None = None
    parties: Sequence[PartyLine] = ()
    recordings: Sequence[CwrRecording] = ()
    performers: Sequence[str] = ()
    where: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What a society answers to a registration; ``status`` as CWR has it: AS accepted, RJ rejected, CO in conflict."""

    title: str
    number: str
    recipient_number: str
    status: str
    where: str


class CwrReader:
    """Reads a file, a transaction in memory at a time; iterate over its works, then see what else it told.

    Every record is counted: in ``n_represented`` where it is a work, a part of one or of the frame around it, in
    ``n_reported`` where it is in ``problems`` alone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.acknowledgements: list[Acknowledgement] = []
        self.n_records = 0
        self.n_represented = 0
        self.n_reported = 0
        self._left: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], int] = {}
        self._counts: dict[str, int] = dict.fromkeys(("groups", "transactions", "records"), 0)
        self._group_start = (0, 0)

    def __iter__(self) -> Iterator[CwrWork]:
        """Yield the works; raises FormatError if this is no CWR file."""
        transaction: list[CwrRecord] = []
        for record in self._records():
            if record.type in _STARTS or record.type in ("HDR", "GRH", "GRT", "TRL"):
                yield from self._works(transaction)
                transaction = []
            if record.type in ("HDR", "GRH", "GRT", "TRL"):
                self._frame(record)
            elif record.type in _STARTS or (
                # By number: after a header that could not be read, its records are not those of the work before.
                transaction and record["transaction"] == transaction[0]["transaction"]
            ):
                transaction.append(record)
            else:
                self._leave(record, "belongs to no transaction")
        yield from self._works(transaction)
        for (kind, what), n_times in self._left.items():
            first = self._first[kind, what]
            told = f"{kind}: {what} is not kept ({n_times} times, first in line {first})"
            self.problems.append(Problem("cwr_not_kept", told, f"{self.path}:{first} {kind}"))

    # ── lines ────────────────────────────────────────────────────────────────

    def _records(self) -> Iterator[CwrRecord]:
        with self.path.open("rb") as handle:
            number = 0
            while line := handle.readline(_LINE_BYTES_MAX):
                number += 1
                if not line.strip():
                    continue
                if number == 1 and line[:3] != b"HDR":
                    raise FormatError(f"{self.path}:1: not a CWR file: it begins with {line[:3]!r}, not HDR")
                if len(line) >= _LINE_BYTES_MAX:
                    raise FormatError(f"{self.path}:{number}: a line of more than {_LINE_BYTES_MAX} bytes: not CWR")
                self.n_records += 1
                self._counts["records"] += 1
                self._counts["transactions"] += line[:3].decode("latin-1") in _STARTS and self._begins(line)
                try:
                    yield parse_record(_decoded(line).rstrip("\r\n"), number)
                except FormatError as error:
                    self.n_reported += 1
                    self.problems.append(Problem(error.code, f"{self.path}: {error}", f"{self.path}:{number}"))

    @staticmethod
    def _begins(line: bytes) -> bool:
        """Tell whether the line begins a transaction: what an acknowledgement sends back goes on with its number."""
        return line[11:19] == b"00000000"

    def _frame(self, record: CwrRecord) -> None:
        """Check the counts that a group and a file end with; the trailer counts itself and all before it."""
        self.n_represented += 1
        if record.type == "GRH":
            self._counts["groups"] += 1
            self._group_start = (self._counts["transactions"], self._counts["records"] - 1)
        elif record.type == "GRT":
            told = {
                "n_transactions": self._counts["transactions"] - self._group_start[0],
                "n_records": self._counts["records"] - self._group_start[1],
            }
            self._compare(record, told)
        elif record.type == "TRL":
            self._compare(record, {f"n_{name}": count for name, count in self._counts.items()})

    def _compare(self, record: CwrRecord, counted: Mapping[str, int]) -> None:
        for name, count in counted.items():
            if record[name].strip() and int(record[name]) != count:
                message = f"{record.type} says {int(record[name])} {name[2:]}, there are {count}: is the file whole?"
                self.problems.append(Problem("cwr_count", message, f"{self.path}:{record.line}"))

    # ── transactions ─────────────────────────────────────────────────────────

    def _works(self, transaction: Sequence[CwrRecord]) -> Iterator[CwrWork]:
        work: CwrRecord | None = None
        parties: list[PartyLine] = []
        recordings: list[CwrRecording] = []
        performers: list[str] = []
        for record in transaction:
            if record.type == "ACK":
                self._acknowledge(record)
            elif record.type in _WORKS and work is None:
                work = record
                self._use(record, {"title", "iswc"})
            elif work is None:
                self._leave(record, _MEANINGS.get(record.type, "a record about no work"))
            elif record.type in ("SPU", "OPU", "SWR", "OWR"):
                parties += self._party(record)
            elif record.type == "REC":
                recordings += self._recording(record)
            elif record.type == "PER":
                performers.append(_name(record))
                self._use(record, {"last_name", "first_name"})
            else:
                self._leave(record, _MEANINGS.get(record.type, "the record"))
        if work is not None:
            iswc = self._checked(work, "iswc", identifiers.iswc)
            where = f"{self.path}:{work.line}"
            yield CwrWork(work["title"], iswc, tuple(parties), tuple(recordings), tuple(performers), where)

    def _acknowledge(self, record: CwrRecord) -> None:
        self._use(record, {"title", "number", "recipient_number", "status", *record.fields})
        self.acknowledgements.append(
            Acknowledgement(
                *(record["title"], record["number"], record["recipient_number"], record["status"]),
                f"{self.path}:{record.line}",
            )
        )

    def _party(self, record: CwrRecord) -> list[PartyLine]:
        is_writer = record.type in ("SWR", "OWR")
        name = _name(record) if is_writer else record["name"]
        parts = {right: Fraction(int(record[column]), 10_000) for column, right in RIGHTS if record[column].strip()}
        if not name:
            self.n_reported += 1
            held = ", ".join(f"{right.value} {part}" for right, part in parts.items() if part) or "nothing"
            message = f"{record.type} names nobody, who has: {held}; it will be missing"
            self.problems.append(Problem("cwr_unknown", message, f"{self.path}:{record.line}"))
            return []
        used = {"name", "last_name", "first_name", "ipi_name", "ipi_base", "pr_share", "mr_share", "sr_share"}
        self._use(record, used | ({"role"} if record["role"] in _PLAIN_ROLES else set()))
        named = {
            key: value
            for key, value in (
                ("ipi_name_number", self._checked(record, "ipi_name", identifiers.ipi_name_number)),
                ("ipi_base_number", self._checked(record, "ipi_base", identifiers.ipi_base_number)),
            )
            if value is not None
        }
        role = _WRITER_ROLES.get(record["role"], Role.WRITER) if is_writer else Role.PUBLISHER
        if any(part > 1 for part in parts.values()):
            message = f"{record.type} of {name}: more than 100 %"
            self.problems.append(Problem("shares", message, f"{self.path}:{record.line}"))
            parts = {}
        return _lines(name, role, named, parts)

    def _recording(self, record: CwrRecord) -> list[CwrRecording]:
        isrc = self._checked(record, "isrc", identifiers.isrc)
        if isrc is None and not record["title"]:
            self._leave(record, "a recording without ISRC and title")
            return []
        duration, released = record["duration"].strip(), record["released"].strip()
        self._use(record, {"isrc", "title", "artist", "duration"} | ({"released"} if released[4:] == "0000" else set()))
        seconds = int(duration[:2]) * 3600 + int(duration[2:4]) * 60 + int(duration[4:]) if duration else 0
        year = int(released[:4]) if released else 0
        return [CwrRecording(isrc, record["title"] or None, record["artist"] or None, seconds or None, year or None)]

    def _checked(self, record: CwrRecord, name: str, check: Callable[[str], str]) -> str | None:
        text = record[name].strip()
        if not text.strip("0"):
            return None
        try:
            return check(text)
        except IdentifierError as error:
            self.problems.append(Problem(error.code, f"{error}; left out", f"{self.path}:{record.line} {name}"))
            return None

    # ── what is kept and what is not ─────────────────────────────────────────

    def _use(self, record: CwrRecord, names: set[str]) -> None:
        """Count a record as represented; its fields that say something and are not used are told at the end."""
        self.n_represented += 1
        for name, value in record.fields.items():
            if name in names or name in ("transaction", "record", "chain", "ip"):
                continue
            if value.strip().strip("0") and value != _SAID_NOTHING_WITH.get(name, "") and value not in _UNSAID:
                self._count(record, name)

    def _leave(self, record: CwrRecord, what: str) -> None:
        self.n_reported += 1
        self._count(record, what)

    def _count(self, record: CwrRecord, what: str) -> None:
        self._left[record.type, what] += 1
        self._first.setdefault((record.type, what), record.line)


_MEANINGS = {
    "SPT": "where a publisher collects",
    "OPT": "where a publisher collects",
    "SWT": "where a writer collects",
    "OWT": "where a writer collects",
    "PWR": "which publisher acts for a writer",
    "ALT": "another title",
    "VER": "the original of a version",
    "ORN": "where the work comes from",
    "MSG": "a message of the society",
    "XRF": "a number elsewhere",
}


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _name(record: CwrRecord) -> str:
    return " ".join(f"{record['first_name']} {record['last_name']}".split())


def _lines(name: str, role: Role, named: Mapping[str, str], parts: Mapping[RightType, Fraction]) -> list[PartyLine]:
    """Return one line for all three rights where they are the same, else one for each share that there is."""
    name = " ".join(name.split())
    if len(parts) == len(RIGHTS) and len(set(parts.values())) == 1 and all(parts.values()):
        return [PartyLine(name, role, next(iter(parts.values())), named)]
    lines = [PartyLine(name, role, part, named, (right,)) for right, part in parts.items() if part]
    return lines or [PartyLine(name, role, None, named)]
