"""Payments for a bank: an ISO 20022 customer credit transfer initiation (pain.001), and a CSV of all of them.

Conventions
-----------
Amounts carry as many decimals as ISO 4217 gives the currency. A block of the file has one currency, one day and one
kind of transfer: SEPA (euro, to an account in a SEPA country) or not. What cannot be paid by file is a problem with the
payment's id, never left out in silence. Message and block ids are digests of what is paid: the same payments give the
same ids, so that a bank refuses a file that it was given twice. A payment's end-to-end id is its own id; SEPA's letters
have no underscore, it becomes a hyphen, and of an id that has more than 35 letters, or others, a digest is written.

Names are written in the letters that every SEPA bank takes, accents dropped; one that has other letters (Greek, Han)
stays as it is, with a notice.

**Source**: ISO 20022 pain.001.001.09 and .03; EPC132-08 (SEPA credit transfer, customer to bank); EPC409-09 (where).
"""

import csv
import hashlib
import io
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from itertools import groupby

from stdnum import bic as stdnum_bic
from stdnum import iban as stdnum_iban
from stdnum.exceptions import ValidationError

from linernotes.errors import ParameterError
from linernotes.formats.amounts import MICRO_DIGITS, machine
from linernotes.formats.statement_files import cell_text
from linernotes.model import Payment, Problem
from linernotes.money import micro_of_minor, minor_digits

__all__ = [
    "COLUMNS",
    "Debtor",
    "PainVersion",
    "PaymentFile",
    "end_to_end_id",
    "latin",
    "pain001",
    "payment_problems",
    "payments_csv",
]

COLUMNS = (
    *("payment_id", "party_id", "party_name", "period", "currency", "amount_minor", "amount", "due_on"),
    *("iban", "bic", "end_to_end_id", "in_file", "problem"),
)
"""The columns of the CSV, in their order."""

_SEPA = frozenset(
    (
        *("AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GG", "GI", "GR"),
        *("HR", "HU", "IE", "IM", "IS", "IT", "JE", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL", "NO"),
        *("PL", "PT", "RO", "RS", "SE", "SI", "SK", "SM", "VA"),
    )
)
_ID = re.compile(r"(?!/)(?!.*//)[A-Za-z0-9/?:().,'+ \-]{1,35}(?<!/)")
_LATIN = re.compile(r"[^A-Za-z0-9/?:().,'+ \-]")
_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ı": "i", "ħ": "h"}
    | {"Ħ": "H", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "TH"}
    | {"&": "+", "’": "'", "‘": "'", "–": "-", "—": "-"}
)
_NAME_MAX, _TEXT_MAX = 70, 140
_SUM_DIGITS_MAX = 18  # of the standard's amounts and sums
_LIMIT_MICRO = 1 << 62  # what the books can hold; the sum of some such amounts fits the digits
_SEPA_MAX_MINOR = 99_999_999_999  # 999,999,999.99
_NOTICES = frozenset({"name_script", "payment_twice"})  # told, and paid all the same, once


class PainVersion(StrEnum):
    """The versions of the message that banks take; the second is the older one."""

    V09 = "pain.001.001.09"
    V03 = "pain.001.001.03"


@dataclass(frozen=True, slots=True)
class Debtor:
    """Who pays: its name, its account for every currency, None where there is none, and accounts by currency."""

    name: str
    iban: str | None
    bic: str | None = None
    ibans: Mapping[str, str] = field(default_factory=dict)

    def account(self, currency: str) -> str | None:
        """Return the account that a currency is paid from, None where there is none."""
        return self.ibans.get(currency, self.iban)


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """The XML, None where nothing can be paid by it; what is in it, and every problem.

    ``totals_minor``: by currency. ``control_sum``: what the amounts in it add up to, whatever their currencies.
    """

    xml: str | None
    message_id: str
    control_sum: str
    n_payments: int
    totals_minor: Mapping[str, int]
    problems: Sequence[Problem]


def end_to_end_id(payment: Payment) -> str:
    """Return what names a payment from us to the payee's bank statement: its id, or where that does not fit, a digest.

    Check: ``pay_1`` is ``pay-1``.
    """
    text = payment.id.replace("_", "-")
    if _ID.fullmatch(text):
        return text
    return f"LN-{hashlib.sha256(payment.id.encode(errors='surrogatepass')).hexdigest()[:32]}"


def latin(text: str) -> str:
    """Write a text in the letters that every SEPA bank takes; one with other letters stays as it is.

    Source: EPC217-08. Check: ``latin("Łukasz Żółć & Søn") == "Lukasz Zolc + Son"``.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    if any(c.isalpha() and not c.isascii() for c in plain):
        return " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return " ".join(_LATIN.sub(" ", plain).split())


def payment_problems(payments: Sequence[Payment], debtor: Debtor | None = None) -> Sequence[Problem]:
    """Say what keeps each payment from a bank's file, of this debtor if one is named; ``where`` is the payment's id."""
    seen: set[str] = set()
    problems = []
    for payment in payments:
        faults = _faults(payment, seen)
        if debtor is not None and debtor.account(payment.currency) is None:
            faults.append(("no_account", f"no account to pay {payment.currency} from; name one"))
        problems += [Problem(code, f"{_who(payment)}: {said}", payment.id) for code, said in faults]
        seen.add(end_to_end_id(payment))
    return problems


def _who(payment: Payment) -> str:
    amount = machine(payment.amount_minor, minor_digits(payment.currency))
    return f"{payment.id}, {payment.currency} {amount} to {payment.party_name}"


def _faults(payment: Payment, seen: set[str]) -> list[tuple[str, str]]:
    found = []
    if end_to_end_id(payment) in seen:
        found.append(("payment_twice", "this id stands above already; it is paid once"))
    if not re.fullmatch(r"[A-Z]{3}", payment.currency):
        found.append(("currency", f"{payment.currency!r} is not a currency's code, three capital letters"))
    if payment.amount_minor <= 0:
        found.append(("amount", "nothing to pay: only amounts above zero can be"))
    elif micro_of_minor(payment.amount_minor, payment.currency) >= _LIMIT_MICRO:
        found.append(("amount", f"more than {_LIMIT_MICRO // 10**MICRO_DIGITS:,} does not fit a bank's file"))
    elif _is_sepa(payment) and payment.amount_minor > _SEPA_MAX_MINOR:
        found.append(("amount", "more than 999,999,999.99 is no SEPA transfer; pay it by hand"))
    return found + _account_faults(payment) + _name_faults(payment)


def _account_faults(payment: Payment) -> list[tuple[str, str]]:
    if not payment.iban:
        return [("no_iban", "no IBAN; ask for it, or pay by hand")]
    if said := _iban_fault(payment.iban):
        return [("iban", f"IBAN {payment.iban!r} {said}; ask for it anew")]
    if payment.bic and not stdnum_bic.is_valid(payment.bic):
        return [("bic", f"BIC {payment.bic!r} is none: eight or eleven letters and digits")]
    if not payment.bic and not _is_sepa(payment):
        return [("no_bic", "no BIC; a transfer that is not euro within SEPA names the bank")]
    return []


def _name_faults(payment: Payment) -> list[tuple[str, str]]:
    name = latin(payment.party_name)
    if not name:
        return [("name", "no name that a bank can read")]
    if not name.isascii():
        return [("name_script", "its name is in letters that some banks refuse; it is in the file as it is")]
    return []


def _iban_fault(iban: str) -> str | None:
    try:
        stdnum_iban.validate(iban)
    except ValidationError as error:
        return f"is not valid ({type(error).__name__})"
    return None


def _is_sepa(payment: Payment) -> bool:
    return payment.currency == "EUR" and (payment.iban or "").strip().upper()[:2] in _SEPA


def payments_csv(payments: Sequence[Payment], problems: Sequence[Problem]) -> str:
    """Return all payments as CSV, also those that are not in a bank's file, and why."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    payable = set(_payable(payments, problems))
    for place, payment in enumerate(payments):
        told = "; ".join(problem.message for problem in problems if problem.where == payment.id)
        cells: tuple[str | int, ...] = (
            *(payment.id, payment.party_id, payment.party_name, payment.period, payment.currency),
            *(payment.amount_minor, machine(payment.amount_minor, minor_digits(payment.currency))),
            *(payment.due_on.isoformat(), payment.iban or "", payment.bic or "", end_to_end_id(payment)),
            *("yes" if place in payable else "no", told),
        )
        numbers = (5, 6)  # a minus sign is no formula there
        writer.writerow(cell if n in numbers else cell_text(str(cell)) for n, cell in enumerate(cells))
    return buffer.getvalue()


def _payable(payments: Sequence[Payment], problems: Sequence[Problem]) -> Sequence[int]:
    """Return the places of the payments that go into a file: those without a fault, each id once."""
    faulty = {problem.where for problem in problems if problem.code not in _NOTICES}
    found: dict[str, int] = {}
    for place, payment in enumerate(payments):
        if payment.id not in faulty:
            found.setdefault(end_to_end_id(payment), place)
    return list(found.values())


def pain001(
    payments: Sequence[Payment], debtor: Debtor, *, created_at: datetime, version: PainVersion = PainVersion.V09
) -> PaymentFile:
    """Return the bank's file of those payments that it can carry, and the problems of the others.

    Raises ParameterError where the debtor's own name, IBAN or BIC cannot be used, or the sum has too many digits.
    """
    _check_debtor(debtor)
    problems = payment_problems(payments, debtor)
    good = [payments[place] for place in _payable(payments, problems)]
    good.sort(key=lambda payment: (*_block(payment), payment.id))
    message_id = _message_id(good, debtor, version)
    totals: dict[str, int] = {}
    for payment in good:
        totals[payment.currency] = totals.get(payment.currency, 0) + payment.amount_minor
    control_sum = _control_sum(good)
    xml = None
    if good:
        root = ET.Element("Document", xmlns=f"urn:iso:std:iso:20022:tech:xsd:{version.value}")
        initiation = ET.SubElement(root, "CstmrCdtTrfInitn")
        header = ET.SubElement(initiation, "GrpHdr")
        _say(header, "MsgId", message_id)
        _say(header, "CreDtTm", f"{created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z")
        _say(header, "NbOfTxs", str(len(good)))
        _say(header, "CtrlSum", control_sum)
        _say(header, "InitgPty/Nm", latin(debtor.name)[:_NAME_MAX])
        for number, (_, own) in enumerate(groupby(good, key=_block), 1):
            _transfers(initiation, list(own), debtor, f"{message_id[:29]}-{number:05}", version)
        ET.indent(root)
        xml = f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'
    return PaymentFile(xml, message_id, control_sum, len(good), totals, problems)


def _check_debtor(debtor: Debtor) -> None:
    if not latin(debtor.name):
        raise ParameterError(f"debtor name {debtor.name!r}: a bank cannot read it")
    for iban in filter(None, (debtor.iban, *debtor.ibans.values())):
        if said := _iban_fault(iban):
            raise ParameterError(f"debtor IBAN {iban!r} {said}")
    if debtor.bic is not None and not stdnum_bic.is_valid(debtor.bic):
        raise ParameterError(f"debtor BIC {debtor.bic!r} is none: eight or eleven letters and digits")


def _block(payment: Payment) -> tuple[str, date, bool]:
    return payment.currency, payment.due_on, _is_sepa(payment)


def _message_id(payments: Sequence[Payment], debtor: Debtor, version: PainVersion) -> str:
    """Name a file by what it pays: 35 characters at most."""
    said = repr((version.value, debtor.name, debtor.iban, sorted(debtor.ibans.items()), debtor.bic, list(payments)))
    return f"LN-{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def _control_sum(payments: Sequence[Payment]) -> str:
    """Add up amounts, whatever their currencies, with no more decimals than the finest of them has."""
    digits = max((minor_digits(payment.currency) for payment in payments), default=0)
    total_micro = sum(micro_of_minor(payment.amount_minor, payment.currency) for payment in payments)
    total = machine(total_micro // 10 ** (MICRO_DIGITS - digits), digits)
    if len(total) > _SUM_DIGITS_MAX + 1:
        raise ParameterError(f"the payments add up to {total}, more than a bank's file can say; write several files")
    return total


def _transfers(
    parent: ET.Element, payments: Sequence[Payment], debtor: Debtor, block_id: str, version: PainVersion
) -> None:
    """Write the payments of one currency, day and kind."""
    currency, due_on, sepa = _block(payments[0])
    debtor_iban = stdnum_iban.compact(debtor.account(currency) or "")
    sepa = sepa and debtor_iban[:2] in _SEPA
    bic_name = "BICFI" if version is PainVersion.V09 else "BIC"
    block = ET.SubElement(parent, "PmtInf")
    _say(block, "PmtInfId", block_id)
    _say(block, "PmtMtd", "TRF")
    _say(block, "BtchBookg", "true")
    _say(block, "NbOfTxs", str(len(payments)))
    _say(block, "CtrlSum", _control_sum(payments))
    if sepa:
        _say(block, "PmtTpInf/SvcLvl/Cd", "SEPA")
    _say(block, "ReqdExctnDt/Dt" if version is PainVersion.V09 else "ReqdExctnDt", due_on.isoformat())
    _say(block, "Dbtr/Nm", latin(debtor.name)[:_NAME_MAX])
    _say(block, "DbtrAcct/Id/IBAN", debtor_iban)
    agent = "DbtrAgt/FinInstnId"
    if debtor.bic is None:
        _say(block, f"{agent}/Othr/Id", "NOTPROVIDED")
    else:
        _say(block, f"{agent}/{bic_name}", stdnum_bic.compact(debtor.bic))
    _say(block, "ChrgBr", "SLEV" if sepa else "SHAR")
    for payment in payments:
        transfer = ET.SubElement(block, "CdtTrfTxInf")
        _say(transfer, "PmtId/EndToEndId", end_to_end_id(payment))
        amount = machine(payment.amount_minor, minor_digits(currency))
        _say(transfer, "Amt/InstdAmt", amount).set("Ccy", currency)
        if payment.bic:
            _say(transfer, f"CdtrAgt/FinInstnId/{bic_name}", stdnum_bic.compact(payment.bic))
        _say(transfer, "Cdtr/Nm", latin(payment.party_name)[:_NAME_MAX])
        _say(transfer, "CdtrAcct/Id/IBAN", stdnum_iban.compact(payment.iban or ""))
        _say(transfer, "RmtInf/Ustrd", f"Royalties {payment.period} {end_to_end_id(payment)}"[:_TEXT_MAX])


def _say(parent: ET.Element, path: str, text: str) -> ET.Element:
    """Add an element, with those around it, and its text; return it."""
    for name in path.split("/"):
        parent = ET.SubElement(parent, name)
    parent.text = text
    return parent
