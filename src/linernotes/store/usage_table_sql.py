"""The statements that turn the lines of a table into usage; see :mod:`linernotes.store.usage_sql`."""

from collections.abc import Mapping

from linernotes.store.usage_sql import told

__all__ = ["cells_entries", "countries", "csv_cells", "lines_entries"]

_TABLE_FIELDS = (
    *("period", "date", "territory", "currency", "amount", "quantity", "isrc", "upload_sha256", "iswc", "title"),
    *("artist", "source", "use_type", "commercial_model"),
)


def countries(codes: Mapping[str, str]) -> str:
    """Make a macro of what may stand for a country, and its code. No join: that would mix the order of the lines."""
    texts = ", ".join(f"'{text}'" for text in sorted(codes))
    others = " ".join(f"WHEN '{text}' THEN '{code}'" for text, code in sorted(codes.items()) if text != code)
    return f"""
    CREATE TYPE country_text AS ENUM ({texts});
    CREATE MACRO country(x) AS CASE upper(x) {others} ELSE CAST(TRY_CAST(upper(x) AS country_text) AS VARCHAR) END"""


def csv_cells(delimiter: str, n_cells: int) -> str:
    """Read a table ($1) as it is meant, into ``cells``; an error, or fewer rows than lines, if a line is not a line."""
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(1, n_cells + 1))
    return f"""
    CREATE TABLE cells AS SELECT * FROM read_csv($1, header = true, delim = '{delimiter}', quote = '"', escape = '"',
        columns = {{{columns}}}, auto_detect = false, compression = 'none', max_line_size = $2)"""


def cells_entries(n_cells: int, cells: Mapping[str, int]) -> str:
    """Fill ``entries`` from ``cells``."""
    fields = ", ".join(
        f"bare(c{cells[field]}) AS {field}" if field in cells else f"'' AS {field}" for field in _TABLE_FIELDS
    )
    return _table_entries(
        f"SELECT rowid + 2 AS number, {n_cells} AS n_cells, {fields}, FALSE AS spans FROM cells", n_cells
    )


def lines_entries(delimiter: str, n_cells: int, cells: Mapping[str, int]) -> str:
    """Fill ``entries`` from ``lines``, each cut by itself, so that one that is malformed spoils no other."""
    pattern = f"""{delimiter}("(?:[^"]|"")*"|[^{delimiter}]*)"""
    found = f"regexp_extract_all('{delimiter}' || line, '{pattern}', 1)"
    unquoted = "CASE WHEN x[1] = '\"' THEN replace(x[2:length(x) - 1], '\"\"', '\"') ELSE x END"
    split = f"""CASE WHEN NOT contains(line, '"') THEN string_split(line, '{delimiter}')
        WHEN length(array_to_string({found}, '{delimiter}')) = length(line)
        THEN list_transform({found}, lambda x: {unquoted}) END"""
    fields = ", ".join(
        f"bare(c[{cells[field]}]) AS {field}" if field in cells else f"'' AS {field}" for field in _TABLE_FIELDS
    )
    spans = "sum(odd) OVER (ORDER BY number ROWS UNBOUNDED PRECEDING) % 2 = 1 OR odd = 1"
    return _table_entries(
        f"""SELECT number, len(c) AS n_cells, {fields}, {spans} AS spans
            FROM (SELECT rowid + 1 AS number, {split} AS c, (length(line) - length(replace(line, '"', ''))) % 2 AS odd
                  FROM lines WHERE rowid > 0 AND line IS NOT NULL)""",
        n_cells,
    )


def _table_entries(source: str, n_cells: int) -> str:
    return f"""
    INSERT INTO entries
    SELECT number, CASE
            WHEN spans THEN 'a quoted cell goes over the end of the line; write it on one line'
            WHEN n_cells IS NULL THEN 'a quote within a cell; double it and quote the cell'
            WHEN n_cells <> {n_cells} THEN 'the line has ' || n_cells || ' cells, the header {n_cells}'
            WHEN date <> '' AND on_day IS NULL THEN {told("date", "date")} || ': not a date such as 2026-05-31'
            WHEN period <> '' AND month IS NULL THEN {told("period", "period")} || ': not a month such as 2026-05'
            WHEN date = '' AND period = '' THEN 'date, period: both empty; give one'
            WHEN on_day IS NOT NULL AND month IS NOT NULL AND date_trunc('month', on_day) <> month
                THEN {told("date", "date")} || ': not in the period ' || period
            WHEN code IS NULL THEN {told("territory", "territory")} || ': not an ISO 3166-1 country'
            WHEN NOT regexp_full_match(currency, '[A-Z]{{3}}')
                THEN {told("currency", "currency")} || ': not an ISO 4217 currency'
            WHEN amount_micro IS NULL THEN {told("amount", "amount")}
                || ': not a number of up to 12 digits and 6 decimals, with a point'
            WHEN quantity_micro IS NULL OR quantity_micro % 1000000 <> 0 THEN {told("quantity", "quantity")}
                || ': not a whole number of up to 12 digits'
            WHEN amount_micro < 0 AND quantity_micro > 0 THEN {told("amount", "amount")}
                || ': revenue below zero for usage above zero; a correction has both below zero'
            WHEN amount_micro > 0 AND quantity_micro < 0 THEN {told("amount", "amount")}
                || ': revenue above zero for usage below zero'
            WHEN upload_sha256 <> '' AND NOT regexp_full_match(upload_sha256, '[0-9a-f]{{64}}')
                THEN {told("upload_sha256", "upload_sha256")} || ': not 64 hexadecimal digits'
            WHEN isrc = '' AND upload_sha256 = '' AND title = ''
                THEN 'isrc, upload_sha256, title: all empty; say what was used'
        END, NULL, COALESCE(on_day, month), code, currency, amount_micro, quantity_micro, TRUE, NULL, code(isrc),
        NULLIF(upload_sha256, ''), work_code(iswc), title, artist, source, use_type, commercial_model, 0, 1
    FROM (
        SELECT * REPLACE (upper(currency) AS currency, lower(upload_sha256) AS upload_sha256),
            country(territory) AS code,
            CASE WHEN date <> '' THEN day(date) END AS on_day,
            CASE WHEN regexp_full_match(period, '[12][0-9]{{3}}-?(0[1-9]|1[0-2])')
                THEN CAST(left(period, 4) || '-' || right(period, 2) || '-01' AS DATE) END AS month,
            micro(amount) AS amount_micro, CASE WHEN quantity = '' THEN 0 ELSE micro(quantity) END AS quantity_micro
        FROM ({source}))"""
