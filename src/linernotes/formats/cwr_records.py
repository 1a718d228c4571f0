"""CWR lines and their fields: cut by fixed columns, and put together again to the very same characters.

Conventions
-----------
A record is a line; its first three characters say which. A field has a name, a width and a kind: ``A`` text, padded
with blanks on the right; ``N`` digits and ``D`` a day or a time, padded with zeros on the left, blank where nothing is
said. Trailing blanks of a line may be missing, as many programs leave them out; a line that ends inside ``N`` or ``D``,
or goes on after its last field, is broken. The wider layout of 2.2 holds for 2.1 too, whose lines end earlier.

Source: CISAC CWR06-1972, Functional Specifications: Common Works Registration, versions 2.1 and 2.2.
Check: an NWR record of 2.1 has 260 characters, an SPU record 183 (version 2.1 revision 7 on).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from linernotes.errors import FormatError

__all__ = ["LAYOUTS", "CwrRecord", "Field", "parse_record", "print_record", "width"]


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a record: where it begins, counted from 0, and how wide it is."""

    name: str
    start: int
    width: int
    kind: str


@dataclass(frozen=True, slots=True)
class CwrRecord:
    """A line, cut into fields; blank ones are left out. ``line`` is its number in the file."""

    type: str
    fields: Mapping[str, str]
    line: int = 0

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")


_PREFIX = "transaction:8N record:8N"
_SHARES = "pr_society:3A pr_share:5N mr_society:3A mr_share:5N sr_society:3A sr_share:5N"
_COLLECTED = "pr_share:5N mr_share:5N sr_share:5N inclusion:1A territory:4N shares_change:1A sequence:3N"
_WORK = (
    "title:60A language:2A number:14A iswc:11A copyright_date:8D copyright_number:12A category:3A duration:6D "
    "recorded:1A text_music:3A composite:3A version:3A excerpt:3A arrangement:3A lyric:3A contact_name:30A "
    "contact_id:10A work_type:2A grand_rights:1A components:3N publication_date:8D exceptional:1A opus:25A "
    "catalogue:25A priority:1A"
)
_PUBLISHER = (
    f"chain:2N ip:9A name:45A unknown:1A role:2A tax_id:9A ipi_name:11A agreement:14A {_SHARES} special:1A refusal:1A "
    "filler:1A ipi_base:13A isac:14A society_agreement:14A agreement_type:2A usa_licence:1A"
)
_WRITER = (
    f"ip:9A last_name:45A first_name:30A unknown:1A role:2A tax_id:9A ipi_name:11A {_SHARES} reversionary:1A "
    "refusal:1A for_hire:1A filler:1A ipi_base:13A personal:12A usa_licence:1A"
)
_SPECIFICATIONS = {
    "HDR": "sender_type:2A sender_id:9A sender_name:45A edi_version:5A created:8D created_at:6D transmitted:8D "
    "characters:15A version:3A revision:3A program:30A program_version:30A",
    "GRH": "transaction_type:3A group:5N version:5A batch:10N submission_type:2A",
    "GRT": "group:5N n_transactions:8N n_records:8N currency:3A amount:10N",
    "TRL": "n_groups:5N n_transactions:8N n_records:8N",
    "NWR": f"{_PREFIX} {_WORK}",
    "REV": f"{_PREFIX} {_WORK}",
    "ISW": f"{_PREFIX} {_WORK}",
    "EXC": f"{_PREFIX} {_WORK}",
    "ACK": f"{_PREFIX} created:8D created_at:6D group:5N original:8N original_type:3A title:60A number:20A "
    "recipient_number:20A processed:8D status:2A",
    "MSG": f"{_PREFIX} message_type:1A original_record:8N original_type:3A level:1A validation:3A text:150A",
    "SPU": f"{_PREFIX} {_PUBLISHER}",
    "OPU": f"{_PREFIX} {_PUBLISHER}",
    "SPT": f"{_PREFIX} ip:9A constant:6A {_COLLECTED}",
    "OPT": f"{_PREFIX} ip:9A constant:6A {_COLLECTED}",
    "SWR": f"{_PREFIX} {_WRITER}",
    "OWR": f"{_PREFIX} {_WRITER}",
    "SWT": f"{_PREFIX} ip:9A {_COLLECTED}",
    "OWT": f"{_PREFIX} ip:9A {_COLLECTED}",
    "PWR": f"{_PREFIX} ip:9A name:45A agreement:14A society_agreement:14A writer_ip:9A chain:2N",
    "ALT": f"{_PREFIX} title:60A title_type:2A language:2A",
    "EWT": f"{_PREFIX} title:60A iswc:11A language:2A writer_1_last:45A writer_1_first:30A source:60A writer_1_ipi:11A "
    "writer_1_base:13A writer_2_last:45A writer_2_first:30A writer_2_ipi:11A writer_2_base:13A number:14A",
    "VER": f"{_PREFIX} title:60A iswc:11A language:2A writer_1_last:45A writer_1_first:30A source:60A writer_1_ipi:11A "
    "writer_1_base:13A writer_2_last:45A writer_2_first:30A writer_2_ipi:11A writer_2_base:13A number:14A",
    "PER": f"{_PREFIX} last_name:45A first_name:30A ipi_name:11A ipi_base:13A",
    "REC": f"{_PREFIX} released:8D constant:60A duration:6D constant_2:5A album:60A label:60A catalogue:18A ean:13A "
    "isrc:12A format:1A technique:1A media:3A title:60A version_title:60A artist:60A record_label:60A "
    "isrc_validity:20A submitter_id:14A",
    "ORN": f"{_PREFIX} purpose:3A production_title:60A cd:15A cut:4N library:60A bltvr:1A visan:25A production:12A "
    "episode_title:60A episode:20A year:4N avi_society:3A avi:15A",
    "INS": f"{_PREFIX} n_voices:3N instrumentation:3A description:50A",
    "IND": f"{_PREFIX} instrument:3A n_players:3N",
    "COM": f"{_PREFIX} title:60A iswc:11A number:14A duration:6D writer_1_last:45A writer_1_first:30A writer_1_ipi:11A "
    "writer_2_last:45A writer_2_first:30A writer_2_ipi:11A writer_1_base:13A writer_2_base:13A",
    "ARI": f"{_PREFIX} society:3A number:14A right:3A subject:2A note:160A",
    "XRF": f"{_PREFIX} organisation:3A identifier:14A identifier_type:1A validity:1A",
    "NPN": f"{_PREFIX} chain:2N ip:9A name:480A language:2A",
    "NPA": f"{_PREFIX} ip:9A last_name:160A first_name:160A language:2A",
    "NWN": f"{_PREFIX} ip:9A last_name:160A first_name:160A language:2A",
    "NAT": f"{_PREFIX} title:640A title_type:2A language:2A",
    "NET": f"{_PREFIX} title:640A language:2A",
    "NCT": f"{_PREFIX} title:640A language:2A",
    "NVT": f"{_PREFIX} title:640A language:2A",
    "NPR": f"{_PREFIX} last_name:160A first_name:160A ipi_name:11A ipi_base:13A language:2A performed:2A dialect:3A",
    "NOW": f"{_PREFIX} last_name:160A first_name:160A language:2A position:1A",
    "AGR": f"{_PREFIX} number:14A standard:14A type:2A begins:8D ends:8D retained_until:8D prior_royalty:1A "
    "prior_royalty_from:8D post_term:1A post_term_until:8D signed:8D n_works:5N sales:1A shares_change:1A advance:1A "
    "society_agreement:14A",
    "TER": f"{_PREFIX} inclusion:1A territory:4N",
    "IPA": f"{_PREFIX} agreement_role:2A ipi_name:11A ipi_base:13A ip:9A last_name:45A first_name:30A {_SHARES}",
}


def _layout(specification: str) -> tuple[Field, ...]:
    fields, start = [], 3
    for part in specification.split():
        name, columns, kind = re.fullmatch(r"(\w+):(\d+)([AND])", part).groups()  # type: ignore[union-attr]
        fields.append(Field(name, start, int(columns), kind))
        start += int(columns)
    return tuple(fields)


LAYOUTS: Mapping[str, tuple[Field, ...]] = {kind: _layout(text) for kind, text in _SPECIFICATIONS.items()}
"""The fields of each record, in order."""

_MUST_REACH = {
    **dict.fromkeys(("SPU", "OPU", "SWR", "OWR"), "sr_share"),
    **dict.fromkeys(("SPT", "OPT", "SWT", "OWT"), "territory"),
    **dict.fromkeys(("NWR", "REV", "ISW", "EXC"), "title"),
    **dict.fromkeys(("GRT", "TRL"), "n_records"),
    "HDR": "transmitted",
    "GRH": "group",
}
_LAST_IN_21 = {"HDR": "characters", "PWR": "writer_ip", "REC": "media"}


def width(kind: str, version: str) -> int:
    """Return how many characters a record has in CWR 2.1 or 2.2. Check: ``width("NWR", "2.1")`` is 260."""
    last = _LAST_IN_21.get(kind) if version == "2.1" else None
    return next(f.start + f.width for f in reversed(LAYOUTS[kind]) if last in (None, f.name))


def parse_record(line: str, number: int) -> CwrRecord:
    """Cut a line into fields.

    Raises FormatError naming the line and the columns where it is broken: an unknown record, a length that does not
    fit, letters where digits stand. Check: of ``TRL000010000000100000012``, ``n_records`` is ``00000012``.
    """
    kind, text = line[:3], line.rstrip(" ")
    layout = LAYOUTS.get(kind)
    if layout is None:
        raise FormatError(f"line {number}: {kind!r} is not a record of CWR 2.1 or 2.2", code="cwr_record")
    length = layout[-1].start + layout[-1].width
    if len(text) > length:
        raise FormatError(
            f"line {number}: a broken {kind} record: {len(text)} characters where {length} belong;"
            f" {text[length:][:20]!r} stands after its end",
            code="cwr_length",
        )
    must_reach = _MUST_REACH.get(kind, "record")
    fields = {}
    for field in layout:
        value = line[field.start : field.start + field.width]
        if field.name == must_reach and len(line) <= field.start:
            message = (
                f"line {number}: a broken {kind} record, it ends after {len(line)} characters, before {field.name}"
            )
            raise FormatError(f"{message} (column {field.start + 1})", code="cwr_length")
        if not value or value.isspace():
            continue
        if field.kind != "A":
            columns = f"columns {field.start + 1} to {field.start + field.width}"
            if len(value) < field.width:
                message = (
                    f"line {number}: a broken {kind} record, it ends after {len(line)} characters, inside {field.name}"
                )
                raise FormatError(f"{message} ({columns})", code="cwr_length")
            if not re.fullmatch(r"\d+| +\d+|\d+ +", value):
                message = f"line {number}: {value!r} is not {field.name} of a {kind} record ({columns}): digits only"
                raise FormatError(message, code="cwr_digits")
        fields[field.name] = value.rstrip(" ") if field.kind == "A" else value
    return CwrRecord(kind, fields, number)


def print_record(record: CwrRecord, *, version: str = "2.1") -> str:
    """Put a record together, as wide as this version has it.

    Raises FormatError if a value is wider than its field or a field is not in this version.
    """
    length = width(record.type, version)
    line = record.type
    for field in LAYOUTS[record.type]:
        value = record[field.name]
        if field.start >= length:
            if value:
                raise FormatError(
                    f"{field.name} of {record.type} is not in CWR {version}: {value!r}", code="cwr_version"
                )
            continue
        if len(value) > field.width:
            message = f"{field.name} of {record.type} has {field.width} characters: {value!r} has {len(value)}"
            raise FormatError(message, code="cwr_length")
        padded = value.rjust(field.width, "0") if value and field.kind != "A" and value[0] >= "0" else value
        line += padded.ljust(field.width)
    return line
