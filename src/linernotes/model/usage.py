"""Usage as it comes in: a report, what its files were, what it states, and what could not be read of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

__all__ = ["ReportFile", "ReportSum", "UnmatchedUsage", "UsageFault", "UsagePool", "UsageReport"]


@dataclass(frozen=True, slots=True)
class UsageFault:
    """What is wrong with a line of a report, and the line as it stood.

    ``lost``: the line did not land, and what it was worth is missing. Otherwise it is a figure that its report
    contradicts, such as a total. ``line`` counts from 1, through all files of the report.
    """

    line: int
    reason: str
    raw: str = ""
    lost: bool = True


@dataclass(frozen=True, slots=True)
class UsagePool:
    """A summary of a report: what was used, and what that brought, in one territory with one offering.

    ``usages_micro`` and ``revenue_micro`` are what it states, None where it states nothing.
    """

    id: str
    line: int
    territory: str
    currency: str
    usages_micro: int | None
    revenue_micro: int | None
    service: str
    use_type: str
    commercial_model: str


@dataclass(frozen=True, slots=True)
class ReportFile:
    """One file of a report; ``first_line`` is where it begins when the files are counted through."""

    number: int
    name: str
    sha256: str
    first_line: int
    n_lines: int


@dataclass(frozen=True, slots=True)
class ReportSum:
    """What landed of a report in one currency, and what the report says it should be; None if it says nothing."""

    currency: str
    amount_micro: int
    stated_micro: int | None

    @property
    def missing_micro(self) -> int:
        """What the report states and its good lines do not bring."""
        return 0 if self.stated_micro is None else self.stated_micro - self.amount_micro


@dataclass(frozen=True, slots=True)
class UsageReport:
    """A report that came in. ``id`` is the SHA-256 of its content; ``periods`` are months, ``YYYY-MM``, sorted."""

    id: str
    format: str
    sender: str
    imported_at: str
    periods: Sequence[str]
    n_lines: int
    n_faulty: int
    n_remarks: int
    files: Sequence[ReportFile]
    sums: Sequence[ReportSum]

    @property
    def name(self) -> str:
        """The name of its first file."""
        return self.files[0].name if self.files else ""

    def where(self, line: int) -> str:
        """Say where a line is: file, and line within it."""
        file = next((file for file in reversed(self.files) if file.first_line <= line), None)
        return f"{file.name}:{line - file.first_line + 1}" if file else str(line)


@dataclass(frozen=True, slots=True)
class UnmatchedUsage:
    """What was used and the catalogue does not know, in one currency: added up over all reports."""

    isrc: str | None
    upload_sha256: str | None
    title: str
    artist: str
    currency: str
    amount_micro: int
    quantity: int
    n_lines: int
    first_used_on: date
    last_used_on: date
