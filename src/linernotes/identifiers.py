"""The numbers that tell works, recordings and parties apart: checked on the way in, printed one way.

Conventions
-----------
Each function takes what people type (spaces, hyphens, dots, lower case), returns the compact form that is stored, and
raises IdentifierError naming the value and what is wrong with it. A check digit that fails is never corrected.
"""

import re
from functools import lru_cache

from stdnum import isni as stdnum_isni
from stdnum import isrc as stdnum_isrc
from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.iso7064 import mod_37_36

from linernotes.errors import IdentifierError

__all__ = ["dpid", "ipi_base_number", "ipi_name_number", "isni", "isrc", "iswc"]

_SEPARATORS = re.compile(r"[\s.\-]")
_WEIGHTED_SUMS = tuple(
    {f"{n:03d}": sum(int(digit) * (first + at) for at, digit in enumerate(f"{n:03d}")) for n in range(1000)}
    for first in (1, 4, 7)
)
"""What three digits add to the sum of the ISWC, by where they stand: a table has a million of them to check."""
_LAST_SUMS = {f"{digits}{check}": sum_ + check for digits, sum_ in _WEIGHTED_SUMS[2].items() for check in range(10)}
"""What the last three digits and the check digit add."""
_ISWC = re.compile(r"T\d{10}", re.ASCII)
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}", re.ASCII)


def _compact(text: str) -> str:
    return (text if text.isalnum() else _SEPARATORS.sub("", text)).upper()


def _weighted_check(digits: str, start: int) -> int:
    first, second, third = _WEIGHTED_SUMS
    return -(start + first[digits[:3]] + second[digits[3:6]] + third[digits[6:]]) % 10


def isrc(text: str) -> str:
    """Check an International Standard Recording Code; it carries no check digit.

    Source: ISO 3901:2019. Check: ``isrc("US-AT2-99-00609")`` is ``USAT29900609``.
    """
    compact = text if _ISRC.fullmatch(text) else _compact(text)
    if not (_ISRC.fullmatch(compact) and _is_registrant(compact[:5])):
        message = f"{text!r} is not an ISRC: two letters, three letters or digits, seven digits (US-AT2-99-00609)"
        raise IdentifierError(message, code="isrc")
    return compact


@lru_cache(maxsize=65536)
def _is_registrant(prefix: str) -> bool:
    """Tell whether codes that begin so are given out; a catalogue has a million codes and few beginnings."""
    return bool(stdnum_isrc.is_valid(f"{prefix}0000000"))


def iswc(text: str) -> str:
    """Check an International Standard Musical Work Code.

    Source: ISO 15707:2022, annex B: (1 + Σ i·dᵢ + check) divides by ten. It is not a Luhn digit.
    Check: ``iswc("T-034.524.680-1")`` is ``T0345246801``.
    """
    first, second, _ = _WEIGHTED_SUMS
    try:  # as in most lines of most tables
        if text[0] == "T" and (1 + first[text[1:4]] + second[text[4:7]] + _LAST_SUMS[text[7:]]) % 10 == 0:
            return text
    except (IndexError, KeyError):
        pass
    compact = _compact(text)
    if not _ISWC.fullmatch(compact):
        raise IdentifierError(f"{text!r} is not an ISWC: T and ten digits (T-034.524.680-1)", code="iswc")
    if (check := _weighted_check(compact[1:10], 1)) != int(compact[10]):
        raise IdentifierError(f"{text!r} is not an ISWC: its last digit should be {check}", code="iswc")
    return compact


def ipi_name_number(text: str) -> str:
    """Check an Interested Party Information name number, eleven digits with leading zeros.

    Source: CISAC; weights 10…2 over nine digits, modulo 101. Check: ``ipi_name_number("14107338")`` is ``00014107338``.
    """
    compact = _compact(text).zfill(11)
    if not re.fullmatch(r"\d{11}", compact):
        raise IdentifierError(f"{text!r} is not an IPI name number: eleven digits", code="ipi_name_number")
    rest = sum(int(digit) * weight for digit, weight in zip(compact, range(10, 1, -1), strict=False)) % 101
    if (check := (101 - rest) % 100 if rest else 0) != int(compact[9:]):
        message = f"{text!r} is not an IPI name number: its last two digits should be {check:02d}"
        raise IdentifierError(message, code="ipi_name_number")
    return compact


def ipi_base_number(text: str) -> str:
    """Check an Interested Party Information base number, which names the person behind all their names.

    Source: CISAC; the sum of the ISWC, started at 2. Check: ``ipi_base_number("I-000000229-7")`` is ``I0000002297``.
    """
    compact = _compact(text)
    if not re.fullmatch(r"I\d{10}", compact, re.ASCII):
        raise IdentifierError(f"{text!r} is not an IPI base number: I and ten digits", code="ipi_base_number")
    if (check := _weighted_check(compact[1:10], 2)) != int(compact[10]):
        message = f"{text!r} is not an IPI base number: its last digit should be {check}"
        raise IdentifierError(message, code="ipi_base_number")
    return compact


def isni(text: str) -> str:
    """Check an International Standard Name Identifier, sixteen digits, the last one or X.

    Source: ISO 27729, check digit ISO 7064 MOD 11-2. Check: ``isni("0000 0001 2103 2683")`` is ``0000000121032683``.
    """
    compact = _compact(text)
    try:
        return str(stdnum_isni.validate(compact))
    except InvalidChecksum:
        raise IdentifierError(f"{text!r} is not an ISNI: its check digit is wrong", code="isni") from None
    except ValidationError:
        raise IdentifierError(f"{text!r} is not an ISNI: sixteen digits, the last may be X", code="isni") from None


def dpid(text: str) -> str:
    """Check a DDEX Party Identifier, PADPIDA, ten digits and a check character.

    Source: DDEX DPID standard, check character ISO 7064 MOD 37,36 over all of it.
    Check: ``dpid("PADPIDA2014021302H")`` is itself.
    """
    compact = _compact(text)
    if not re.fullmatch(r"PADPIDA\d{10}[0-9A-Z]", compact):
        raise IdentifierError(f"{text!r} is not a DPID: PADPIDA, ten digits, one letter or digit", code="dpid")
    try:
        return str(mod_37_36.validate(compact))
    except ValidationError:
        check = mod_37_36.calc_check_digit(compact[:-1])
        raise IdentifierError(f"{text!r} is not a DPID: its last character should be {check}", code="dpid") from None
