"""Usage tables: a CSV that says what was used where and when, and what that brought.

Conventions
-----------
A header line, then a line of usage each; comma, semicolon or tab between cells, quotes where a cell needs them; UTF-8,
or UTF-16 with its mark; gzipped or not. Columns may come in any order and go by their usual other names; those that are
not known are left alone and named in ``ignored``. A quoted cell ends on the line it began on: a line is a line.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from linernotes.errors import FormatError

__all__ = ["COLUMNS", "UsageHeader", "read_usage_header"]

COLUMNS = (
    *("period", "date", "territory", "currency", "amount", "quantity", "isrc", "upload_sha256", "iswc", "title"),
    *("artist", "source", "use_type", "commercial_model"),
)

_OTHER_NAMES = {
    "period": "month usage_period reporting_period sales_period sale_month",
    "date": "day used_on usage_date sale_date transaction_date",
    "territory": "country country_code territory_code store_country country_of_sale",
    "currency": "currency_code currency_of_reporting",
    "amount": "revenue net_revenue earnings royalty net_amount",
    "quantity": "streams plays units usages count sales",
    "upload_sha256": "upload sha256",
    "title": "track track_title recording recording_title song song_title name",
    "artist": "artists performer display_artist artist_name track_artist",
    "source": "service store dsp retailer platform",
    "use_type": "usage_type sale_type transaction_type",
    "commercial_model": "model commercial_model_type",
}
_ALIASES = {other: column for column, others in _OTHER_NAMES.items() for other in others.split()}


@dataclass(frozen=True, slots=True)
class UsageHeader:
    """What separates cells, at which place (from 1) each known column is, and which columns are left alone."""

    delimiter: str
    n_cells: int
    cells: Mapping[str, int]
    ignored: Sequence[str]


def read_usage_header(line: str, *, where: str) -> UsageHeader:
    """Read the first line of a table; ``where`` names the file in messages.

    Raises FormatError if it is no header, or a column is there twice or missing that a line cannot do without.
    """
    delimiter = max(",;\t", key=line.count)
    try:
        told = next(csv.reader([line.removeprefix("\ufeff")], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise FormatError(f"{where}:1: not a header of a table ({error})") from None
    names = [re.sub(r"[\s_-]+", "_", cell.strip().lower()).strip("_") for cell in told]
    columns = [_ALIASES.get(name, name) for name in names]
    if twice := sorted({name for name in columns if name in COLUMNS and columns.count(name) > 1}):
        raise FormatError(f"{where}:1: two columns are called {twice[0]}; leave one")
    cells = {name: place for place, name in enumerate(columns, 1) if name in COLUMNS}
    missing = [name for name in ("territory", "currency", "amount") if name not in cells]
    missing += [] if cells.keys() & {"period", "date"} else ["period or date"]
    missing += [] if cells.keys() & {"isrc", "upload_sha256", "title"} else ["isrc, upload_sha256 or title"]
    if missing:
        there = ", ".join(name for name in names if name) or "none"
        raise FormatError(f"{where}:1: no column {', no column '.join(missing)} (columns: {there})")
    ignored = [cell.strip() for cell, name in zip(told, columns, strict=True) if name and name not in COLUMNS]
    return UsageHeader(delimiter, len(told), cells, ignored)
