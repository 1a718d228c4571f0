"""Write works as a CWR file, 2.1 or 2.2: every record as wide as it must be, every count right.

Conventions
-----------
Text is written in capitals without accents, for the format has no others; what changes by that, or does not fit, is
told. Shares are hundredths of a percent: those of a right that adds to one still do, by largest remainder, ties by
place; what had to be rounded is told too. Publishers are original publishers in a chain of their own, writers with a
publisher are controlled and assigned to the first; without one they are other writers. Each collects what it owns, in
the world.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from linernotes.errors import FormatError, ParameterError
from linernotes.formats.cwr import RIGHTS, CwrRecording, CwrWork
from linernotes.formats.cwr_records import LAYOUTS, CwrRecord, print_record
from linernotes.formats.party_cells import PartyLine
from linernotes.model import Problem, Role

__all__ = ["CwrWriter"]

_GROUP_WORKS_MAX = 1_000_000
_WRITER_CODES = {Role.WRITER: "CA", Role.ARRANGER: "AR", Role.HEIR: "PA"}
_WHOLE = 10_000
_IN_THE_WORLD = {"inclusion": "I", "territory": "2136", "shares_change": "N", "sequence": "1"}
_EDI = {"2.1": "02.10", "2.2": "02.20"}


@dataclass(slots=True)
class _Holder:
    """One party of a work, its shares in hundredths of a percent by field."""

    line: PartyLine
    parts: dict[str, int] = field(default_factory=dict)


class CwrWriter:
    """Writes a file of registrations; iterate over its lines, then see what could not be said in ``problems``."""

    def __init__(
        self,
        works: Iterable[CwrWork],
        *,
        sender: str,
        sender_ipi: str,
        at: datetime,
        version: str = "2.1",
    ) -> None:
        """Prepare a file of NWR transactions; ``sender_ipi`` is a checked IPI name number, ``at`` when it is written.

        Raises ParameterError if the version is neither 2.1 nor 2.2.
        """
        if version not in _EDI:
            raise ParameterError(f"CWR {version!r} is not written here: 2.1 or 2.2")
        self.problems: list[Problem] = []
        self._works, self._version = works, version
        self._sender, self._sender_ipi, self._at = sender, sender_ipi, at
        self._n_records = 0
        self._where = ""

    def __iter__(self) -> Iterator[str]:
        """Yield the lines, each with its CRLF."""
        yield self._line("HDR", self._header())
        yield self._line("GRH", {"transaction_type": "NWR", "group": "1", "version": _EDI[self._version], "batch": "0"})
        n_works = 0
        for work in self._works:
            if n_works >= _GROUP_WORKS_MAX:
                raise FormatError(f"a CWR group has at most {_GROUP_WORKS_MAX} works: write several files")
            yield from self._transaction(n_works, work)
            n_works += 1
        counts = {"n_transactions": str(n_works)}
        # A group counts its own header and trailer, not the file's; the file counts all.
        group = {"group": "1", **counts, "n_records": str(self._n_records), "amount": "0"}
        yield self._line("GRT", group)
        yield self._line("TRL", {"n_groups": "1", **counts, "n_records": str(self._n_records + 1)})

    def _header(self) -> dict[str, str]:
        day, time = f"{self._at:%Y%m%d}", f"{self._at:%H%M%S}"
        # Two of the eleven digits stand where the kind of sender stood before numbers grew.
        kind = "PB" if self._sender_ipi.startswith("00") else self._sender_ipi[:2]
        header = {"sender_type": kind, "sender_id": self._sender_ipi[2:], "sender_name": self._sender}
        header |= {"edi_version": "01.10", "created": day, "created_at": time, "transmitted": day}
        if self._version == "2.2":
            header |= {"version": "2.2", "revision": "001", "program": "LINERNOTES"}
        return header

    def _line(self, kind: str, values: Mapping[str, str]) -> str:
        """Write a record; its length in counts begins with the group's header."""
        self._n_records += 1
        fields = {}
        for column in LAYOUTS[kind]:
            if value := values.get(column.name, ""):
                fields[column.name] = self._fitting(column.name, value, column.width) if column.kind == "A" else value
        return f"{print_record(CwrRecord(kind, fields), version=self._version)}\r\n"

    def _fitting(self, name: str, text: str, width: int) -> str:
        plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().upper()
        plain = " ".join(plain.split())
        if plain != text.upper():
            self._tell("cwr_text", f"{name} {text!r} is written {plain!r}: the format has no other letters")
        if len(plain) > width:
            self._tell("cwr_text", f"{name} {plain!r} is cut to {width} characters")
        if not plain and text:
            self._tell("cwr_text", f"{name} {text!r} cannot be written at all in the format's letters")
        return plain[:width].strip()

    def _tell(self, code: str, message: str) -> None:
        self.problems.append(Problem(code, message, self._where))

    # ── a work ───────────────────────────────────────────────────────────────

    def _transaction(self, number: int, work: CwrWork) -> Iterator[str]:
        self._where = work.where or work.title
        records = 0

        def line(kind: str, **values: str) -> str:
            nonlocal records
            text = self._line(kind, {"transaction": str(number), "record": str(records), **values})
            records += 1
            return text

        said = {"title": work.title, "number": f"LN{number + 1:08d}", "iswc": work.iswc or ""}
        said |= {"copyright_date": "0", "category": "UNC", "duration": "0", "version": "ORI", "grand_rights": "N"}
        recorded = "Y" if work.recordings else "U"
        yield line("NWR", **said, components="0", publication_date="0", priority="N", recorded=recorded)
        holders = self._holders(work)
        publishers = [holder for holder in holders if holder.line.role is Role.PUBLISHER]
        writers = [holder for holder in holders if holder.line.role is not Role.PUBLISHER]
        codes = {id(holder): f"{'P' if holder in publishers else 'W'}{n:06d}" for n, holder in enumerate(holders, 1)}
        for chain, holder in enumerate(publishers, 1):
            shares = {name: str(part) for name, part in holder.parts.items()}
            values = {"chain": str(chain), "name": holder.line.name, "role": "E", "refusal": "N"}
            yield line("SPU", ip=codes[id(holder)], **values, **_numbers(holder.line), **shares)
            yield line("SPT", ip=codes[id(holder)], **shares, **_IN_THE_WORLD)
        for holder in writers:
            shares = {name: str(part) for name, part in holder.parts.items()}
            first, _, last = holder.line.name.rpartition(" ")
            values = {"last_name": last, "first_name": first, "role": _WRITER_CODES[holder.line.role]}
            kind = "SWR" if publishers else "OWR"
            yield line(kind, ip=codes[id(holder)], **values, **_numbers(holder.line), **shares, refusal="N")
            if publishers:
                yield line("SWT", ip=codes[id(holder)], **shares, **_IN_THE_WORLD)
                assigned = {"ip": codes[id(publishers[0])], "name": publishers[0].line.name}
                chained = {"chain": "1"} if self._version == "2.2" else {}
                yield line("PWR", **assigned, writer_ip=codes[id(holder)], **chained)
        for name in work.performers:
            first, _, last = name.rpartition(" ")
            yield line("PER", last_name=last, first_name=first)
        for recording in work.recordings:
            yield line("REC", **self._recording(recording))

    def _holders(self, work: CwrWork) -> list[_Holder]:
        """Bring together what is said of each party; what the format cannot say is told and left out."""
        holders: list[_Holder] = []
        exact: dict[str, list[tuple[_Holder, Fraction]]] = {name: [] for name, _ in RIGHTS}
        for line in work.parties:
            if line.role is not Role.PUBLISHER and line.role not in _WRITER_CODES:
                self._tell("cwr_role", f"{line.name} ({line.role.value}): the format has no such role in a work")
                continue
            same = (line.name, line.role, dict(line.identifiers))
            holder = next((h for h in holders if (h.line.name, h.line.role, dict(h.line.identifiers)) == same), None)
            if holder is None:
                holder = _Holder(line, {name: 0 for name, _ in RIGHTS})
                holders.append(holder)
            self._tell_unsayable(line)
            for name, right in RIGHTS:
                if line.share is not None and (not line.rights or right in line.rights) and _everywhere(line):
                    exact[name].append((holder, line.share))
        for name, held in exact.items():
            for holder, part in _rounded(held):
                holder.parts[name] += part
            if any((share * _WHOLE).denominator > 1 for _, share in held):
                parts = ", ".join(f"{holder.line.name} {share}" for holder, share in held)
                self._tell("cwr_rounded", f"{name}: {parts} is written to the hundredth of a percent")
        return holders

    def _tell_unsayable(self, line: PartyLine) -> None:
        if line.share is not None and not _everywhere(line):
            self._tell("cwr_share", f"{line.name} {line.share}: a share of a place or time is not written")
        if others := [right.value for right in line.rights if right not in {r for _, r in RIGHTS}]:
            self._tell("cwr_share", f"{line.name} {line.share}: the format has no {', '.join(others)} right")
        if line.contains_ai is not None:
            self._tell("cwr_ai", f"{line.name}: the format cannot say how much a machine made")
        if "isni" in line.identifiers:
            self._tell("cwr_isni", f"{line.name}: the format has no ISNI")

    def _recording(self, recording: CwrRecording) -> dict[str, str]:
        values = {"isrc": recording.isrc or "", "released": "0"}
        seconds = recording.duration_s or 0
        values["duration"] = f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"
        if recording.year is not None:
            self._tell("cwr_year", f"{recording.isrc or 'a recording'}: {recording.year} is no day; left out")
        if self._version == "2.2":
            values |= {"title": recording.title or "", "artist": recording.artist or ""}
        elif recording.title or recording.artist:
            told = " and ".join(filter(None, (recording.title, recording.artist)))
            self._tell("cwr_version", f"{recording.isrc or 'a recording'}: {told} is not written in CWR 2.1; use 2.2")
        return values


def _everywhere(line: PartyLine) -> bool:
    return line.territory == "2136" and line.valid_from is None and line.valid_to is None


def _numbers(line: PartyLine) -> dict[str, str]:
    named = line.identifiers
    return {"ipi_name": named.get("ipi_name_number", ""), "ipi_base": named.get("ipi_base_number", "")}


def _rounded(held: Sequence[tuple[_Holder, Fraction]]) -> list[tuple[_Holder, int]]:
    """Round to hundredths of a percent so that the sum stays what it is, itself rounded down."""
    whole = [(holder, int(share * _WHOLE), share * _WHOLE % 1) for holder, share in held]
    left = int(sum((share for _, share in held), Fraction(0)) * _WHOLE) - sum(part for _, part, _ in whole)
    ups = {n for n, _ in sorted(enumerate(whole), key=lambda item: (-item[1][2], item[0]))[:left]}
    return [(holder, part + (n in ups)) for n, (holder, part, _) in enumerate(whole)]
