"""A cell that names parties: who, with which identifiers, for which share of which rights, where and when.

Conventions
-----------
Parties stand one after another, separated by ``;``. For each, in this order, all but the name optional::

    Ada Example [IPI 00014107338, ISNI 0000 0001 2103 2683, AI partly] 1/2 (performance, US, from 2026-01-01)

A share is a fraction or a percentage, exact either way. In round brackets after it: rights (``performance``,
``mechanical``, ``synchronisation``, ``master``, ``training``; none named: those that the column divides), a territory,
``from`` a day and ``until`` the first day on which it no longer holds. A name with ``;`` or ``[`` in it, or that ends
like a share, stands in double quotes, a quote in it doubled.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from linernotes import identifiers
from linernotes.errors import FormatError, IdentifierError
from linernotes.model import AiDisclosure, RightType, Role

__all__ = ["PartyLine", "Territory", "disclosure", "print_parties", "read_parties"]

Territory = Callable[[str], str]
"""Checks a territory and returns it in the one way it is stored; raises FormatError."""

_PARTY = re.compile(
    r"(?:\"(?P<quoted>(?:[^\"]|\"\")*)\"|(?P<name>[^\[\]\"\s][^\[\]]*?))\s*(?:\[(?P<identifiers>[^\[\]]*)\])?\s*"
    r"(?:(?P<share>\d+\s*/\s*\d+|\d+(?:\.\d+)?\s*%)\s*(?:\((?P<terms>[^()]*)\))?)?"
)
_SHARE = re.compile(r"\d+/\d+|\d+(?:\.\d+)?%")
_MORE = re.compile(r"[\[\]\"\d]")
"""What most parts of most tables lack: a name without it, and perhaps a share, is read without :data:`_PARTY`."""
_PART = re.compile(r"\s*((?:\"(?:[^\"]|\"\")*\")?[^;]*)(?:;|$)")
_RIGHTS = {right.value: right for right in RightType}
_DAY = re.compile(r"(from|until)\s+(\d{4}-\d\d-\d\d)")


class PartyLine(NamedTuple):
    """One party as a cell names it; ``identifiers`` maps field names of Party to checked values.

    ``rights`` is empty where the cell names none: the share is then of those that the column divides. A tuple, for a
    table has millions of them.
    """

    name: str
    role: Role
    share: Fraction | None = None
    identifiers: Mapping[str, str] = MappingProxyType({})
    rights: tuple[RightType, ...] = ()
    territory: str = "2136"
    valid_from: date | None = None
    valid_to: date | None = None
    contains_ai: AiDisclosure | None = None


_tuple = tuple.__new__  # half of what _make takes
_NO_TERMS = tuple(PartyLine._field_defaults.values())[1:]  # all that may follow a share

# ── reading ──────────────────────────────────────────────────────────────────


def read_parties(text: str, *, role: Role, territory: Territory = str) -> tuple[PartyLine, ...]:
    """Read a cell that names parties.

    Raises FormatError or IdentifierError naming the part that cannot be read.
    Check: ``Ada 1/2; Ben 50%`` gives two lines with share 1/2 each.
    """
    parts = text.split(";") if '"' not in text else _PART.findall(text)
    lines = []
    for part in parts:
        words = part.split()
        share = None
        if len(words) > 1 and words[-1][0].isdigit() and (share := _lone_share(words[-1])) is not None:
            words.pop()
        name = " ".join(words)
        if "".join(words).isalpha() or (words and not _MORE.search(name)):
            lines.append(_tuple(PartyLine, (name, role, share, *_NO_TERMS)))
        elif words:
            lines.append(_line(part.strip(), role, territory))
    return tuple(lines)


@lru_cache(maxsize=65536)
def _line(part: str, role: Role, territory: Territory) -> PartyLine:
    match = _PARTY.fullmatch(part)
    if match is None:
        raise FormatError(f"{part!r} is not a party: Name [IPI 00014107338] 1/2")
    name, quoted, named, share, terms = (
        match["name"],
        match["quoted"],
        match["identifiers"],
        match["share"],
        match["terms"],
    )
    if quoted is not None:
        name = quoted.replace('""', '"')
    name = " ".join(name.split())
    if not name:
        raise FormatError(f"{part!r} names nobody: Name [IPI 00014107338] 1/2")
    found, contains_ai = _identifiers(named) if named else ({}, None)
    if not terms:
        return PartyLine(name, role, _share(share), found, contains_ai=contains_ai)
    rights, place, begins, ends = _terms(terms, territory)
    return PartyLine(name, role, _share(share), found, rights, place, begins, ends, contains_ai)


@lru_cache(maxsize=4096)
def _lone_share(word: str) -> Fraction | None:
    """Read a word that is a share; None for any other."""
    return _share(word) if _SHARE.fullmatch(word) else None


@lru_cache(maxsize=4096)
def _share(text: str | None) -> Fraction | None:
    if text is None:
        return None
    try:
        share = Fraction(text[:-1].strip()) / 100 if text.endswith("%") else Fraction(text.replace(" ", ""))
    except ZeroDivisionError:
        raise FormatError(f"{text!r} is not a share") from None
    if not 0 < share <= 1:
        raise FormatError(f"{text!r} is not a share: more than 0 and at most 1")
    if share.denominator >= 2**63:
        raise FormatError(f"{text!r} is not a share: its denominator has more than 63 bits")
    return share


def _identifiers(text: str) -> tuple[dict[str, str], AiDisclosure | None]:
    found = {}
    contains_ai = None
    for part in filter(None, map(str.strip, text.split(","))):
        kind, _, value = part.partition(" ")
        if kind.upper() == "ISNI":
            found["isni"] = identifiers.isni(value)
        elif kind.upper() == "IPI" and value.strip().upper().startswith("I"):
            found["ipi_base_number"] = identifiers.ipi_base_number(value)
        elif kind.upper() == "IPI":
            found["ipi_name_number"] = identifiers.ipi_name_number(value)
        elif kind.upper() == "AI":
            contains_ai = disclosure(value)
        else:
            raise IdentifierError(f"{part!r} is not an identifier of a party: IPI or ISNI and a number")
    return found, contains_ai


def disclosure(text: str) -> AiDisclosure:
    """Read how much of something a machine made; FormatError if it is none of none, partly, all."""
    try:
        return AiDisclosure(text.strip().lower())
    except ValueError:
        raise FormatError(f"{text!r} does not say how much a machine made: none, partly or all") from None


def _terms(text: str, territory: Territory) -> tuple[tuple[RightType, ...], str, date | None, date | None]:
    rights: list[RightType] = []
    place = "2136"
    days: dict[str, date] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        if part.lower() in _RIGHTS:
            rights.append(_RIGHTS[part.lower()])
        elif match := _DAY.fullmatch(part.lower()):
            try:
                days[match[1]] = date.fromisoformat(match[2])
            except ValueError:
                raise FormatError(f"{part!r} names no day: from 2026-01-31") from None
        else:
            place = territory(part)
    begins, ends = days.get("from"), days.get("until")
    if begins is not None and ends is not None and ends <= begins:
        raise FormatError(f"({text}) holds on no day: it ends {ends}, before it begins {begins}", code="dates")
    return tuple(dict.fromkeys(rights)), place, begins, ends


# ── printing ─────────────────────────────────────────────────────────────────


def print_parties(lines: Iterable[PartyLine]) -> str:
    """Write a cell that :func:`read_parties` reads back as these lines."""
    return "; ".join(map(_printed, lines))


def _printed(line: PartyLine) -> str:
    words = [_printed_name(line.name)]
    named = [
        f"{kind} {line.identifiers[name]}"
        for kind, name in (("IPI", "ipi_name_number"), ("IPI", "ipi_base_number"), ("ISNI", "isni"))
        if name in line.identifiers
    ]
    if line.contains_ai is not None:
        named.append(f"AI {line.contains_ai.value}")
    if named:
        words.append(f"[{', '.join(named)}]")
    if line.share is not None:
        words.append(f"{line.share.numerator}/{line.share.denominator}")
        terms = [right.value for right in line.rights]
        if line.territory != "2136":
            terms.append(line.territory)
        if line.valid_from is not None:
            terms.append(f"from {line.valid_from}")
        if line.valid_to is not None:
            terms.append(f"until {line.valid_to}")
        if terms:
            words.append(f"({', '.join(terms)})")
    return " ".join(words)


def _printed_name(name: str) -> str:
    match = _PARTY.fullmatch(name)
    if ";" in name or match is None or match["name"] != name:
        return '"' + name.replace('"', '""') + '"'
    return name
