r"""The statements that turn lines of a report into usage, set-wise, on DuckDB.

Conventions
-----------
``lines`` holds every line of the report in order; its rowid is the line's number less one. From it come ``resources``,
``works``, ``releases`` (what was used) and ``entries`` (how often, under which summary); a faulty entry has a
``reason``. ``landed`` is what goes to Parquet. Numbers in ``…_micro`` are whole millionths; no double touches any. A
summary's revenue is divided by largest remainder: entries of equal weight in a pool form a class, and only classes are
ranked, so that millions of lines cost as much as there are different numbers of streams.
"""

from collections.abc import Mapping, Sequence

__all__ = [
    "CLASSES",
    "COLUMNS",
    "DIVIDED",
    "ENTRY_FAULTS",
    "LANDED",
    "MACROS",
    "NEXT_BLOCK",
    "POOLS",
    "TABLES",
    "UNMATCHED",
    "WORKS_GIVEN",
    "dsr_entries",
    "release_entries",
    "releases",
    "resources",
    "told",
    "works",
    "written",
]

COLUMNS = (
    *("report_id", "line", "period", "used_on", "territory", "currency", "amount_micro", "quantity", "isrc"),
    *("upload_sha256", "iswc", "title", "artist", "source", "use_type", "commercial_model"),
)
"""The columns of usage in Parquet, in order."""

_ROW_GROUP_ROWS = 61_440  # to ask every row group whether a line is in it, and to unpack the one, cost the same here
_NUMBER = r"[+-]?([0-9]{1,12}([.][0-9]{0,6}0*)?|[.][0-9]{1,6}0*)"

MACROS = rf"""
CREATE MACRO micro(x) AS
    CASE WHEN regexp_full_match(x, '{_NUMBER}') THEN CAST(TRY_CAST(x || 'e6' AS DECIMAL(18, 0)) AS BIGINT) END;
CREATE MACRO cut_tsv(line) AS string_split(
    CASE WHEN contains(line, '\') THEN replace(replace(line, '\\\', chr(1)), '\' || chr(9), chr(2)) ELSE line END,
    chr(9));
CREATE MACRO meant(x, escaped) AS CASE WHEN escaped
    THEN replace(replace(replace(replace(x, '\\|', '|'), '\|', '|'), chr(1), '\'), chr(2), chr(9)) ELSE x END;
CREATE MACRO first_of(x) AS CASE WHEN contains(x, '|') THEN string_split(x, '|')[1] ELSE x END;
CREATE MACRO code(x) AS CASE WHEN x = '' THEN NULL WHEN regexp_full_match(x, '[A-Z0-9]+') THEN x
    ELSE NULLIF(upper(regexp_replace(x, '[^A-Za-z0-9]', '', 'g')), '') END;
CREATE MACRO work_code(x) AS CASE WHEN x = '' THEN NULL WHEN regexp_full_match(x, 'T[0-9]{{10}}') THEN x
    WHEN regexp_full_match(code(first_of(x)), 'T[0-9]{{10}}') THEN code(first_of(x)) END;
CREATE MACRO day(x) AS
    CASE WHEN regexp_full_match(x, '[12][0-9]{{3}}-[01][0-9]-[0-3][0-9]') THEN TRY_CAST(x AS DATE)
         WHEN regexp_full_match(x, '[12][0-9]{{3}}[01][0-9][0-3][0-9]')
         THEN TRY_CAST(x[1:4] || '-' || x[5:6] || '-' || x[7:8] AS DATE) END;
CREATE MACRO bare(x) AS CASE WHEN x IS NULL THEN ''
    WHEN starts_with(x, ' ') OR ends_with(x, ' ') THEN trim(x) ELSE x END;
CREATE MACRO floored(n, d) AS n // d - CASE WHEN n % d < 0 THEN 1 ELSE 0 END;
CREATE MACRO above(n, d) AS n % d + CASE WHEN n % d < 0 THEN d ELSE 0 END;
"""

_ENTRY = """
line BIGINT, reason VARCHAR, summary VARCHAR, used_on DATE, territory VARCHAR, currency VARCHAR, amount_micro BIGINT,
quantity_micro BIGINT, bearing BOOLEAN, price_micro BIGINT, isrc VARCHAR, upload_sha256 VARCHAR, iswc VARCHAR,
title VARCHAR, artist VARCHAR, source VARCHAR, use_type VARCHAR, commercial_model VARCHAR, part BIGINT, n_parts BIGINT
"""

TABLES = f"""
CREATE TABLE lines (line VARCHAR);
CREATE TABLE faults (line BIGINT, reason VARCHAR, raw VARCHAR);
CREATE TABLE pools (id VARCHAR, territory VARCHAR, currency VARCHAR, source VARCHAR, use_type VARCHAR,
                    commercial_model VARCHAR, used_on DATE);
CREATE TABLE resources (line BIGINT, block VARCHAR, reference VARCHAR, dsp_resource VARCHAR, isrc VARCHAR,
                        title VARCHAR, artist VARCHAR, iswc VARCHAR);
CREATE TABLE works (line BIGINT, block VARCHAR, iswc VARCHAR);
CREATE TABLE releases (block VARCHAR, reference VARCHAR, resources VARCHAR);
CREATE TABLE entries ({_ENTRY});
CREATE TABLE shares (summary VARCHAR, amount_micro HUGEINT, weight HUGEINT, by_price BOOLEAN);
"""


def _cell(cells: Mapping[str, int], field: str, otherwise: str = "NULL") -> str:
    return f"c[{cells[field]}]" if field in cells else otherwise


def _text(cells: Mapping[str, int], field: str) -> str:
    return _cell(cells, field, "''")


def told(what: str, cell: str) -> str:
    """Write what a cell says, within a reason."""
    return f"'{what} ''' || left(COALESCE({cell}, ''), 80) || ''''"


def _of_type(type_: str, span: tuple[int, int] | None = None) -> str:
    within = f" AND rowid BETWEEN {span[0] - 1} AND {span[1] - 1}" if span else ""
    where = f"starts_with(line, '{type_}' || chr(9)){within}"
    return f"FROM (SELECT rowid, line, cut_tsv(line) AS c FROM lines WHERE {where})"


# ── what was used ────────────────────────────────────────────────────────────


def resources(type_: str, cells: Mapping[str, int]) -> str:
    """Fill ``resources`` from the lines of a type."""
    escaped = "contains(line, '\\')"
    return f"""
    INSERT INTO resources SELECT rowid + 1, {_cell(cells, "block")}, {_cell(cells, "reference")},
        {_cell(cells, "dsp_resource")}, code(first_of({_cell(cells, "isrc")})),
        meant({_text(cells, "title")}, {escaped}), meant({_text(cells, "artist")}, {escaped}),
        work_code({_text(cells, "iswc")})
    {_of_type(type_)}"""


def works(type_: str, cells: Mapping[str, int]) -> str:
    """Fill ``works`` from the lines of a type."""
    return f"""
    INSERT INTO works SELECT rowid + 1, {_cell(cells, "block")}, work_code({_text(cells, "iswc")})
    {_of_type(type_)}"""


def releases(type_: str, cells: Mapping[str, int]) -> str:
    """Fill ``releases`` from the lines of a type; ``resources`` is NULL where a release is all of its block."""
    return f"""
    INSERT INTO releases SELECT {_cell(cells, "block")}, {_cell(cells, "reference")}, {_cell(cells, "resources")}
    {_of_type(type_)}"""


WORKS_GIVEN = """
CREATE OR REPLACE TABLE resources AS
SELECT r.* EXCLUDE (iswc), COALESCE(r.iswc, w.iswc) AS iswc
FROM resources r
LEFT JOIN (SELECT of_line, arg_min(iswc, line) AS iswc FROM (
        SELECT r.line AS of_line, w.line, w.iswc FROM works w
        ASOF JOIN resources r ON w.block = r.block AND w.line > r.line
        WHERE w.iswc IS NOT NULL) GROUP BY of_line) w
    ON w.of_line = r.line
"""
"""A work stands after the resource it is in: the first with an ISWC is given to it."""


NEXT_BLOCK = """
SELECT min(number) FROM (
    SELECT rowid + 1 AS number, line[1:2] AS kind, lag(line[1:2]) OVER (ORDER BY rowid) AS before
    FROM lines WHERE rowid BETWEEN $1 AND $2)
WHERE kind IN ('RE', 'AS') AND before NOT IN ('RE', 'AS', 'MW')
"""
"""The first line between two (from 0) that begins a block."""


# ── how often ────────────────────────────────────────────────────────────────

_ONCE = """(SELECT * FROM resources QUALIFY row_number() OVER (PARTITION BY block, {key} ORDER BY line) = 1)"""
_SINGLE = """(SELECT block, any_value(line) AS line, any_value(isrc) AS isrc, any_value(title) AS title,
    any_value(artist) AS artist, any_value(iswc) AS iswc FROM resources GROUP BY block HAVING count(*) = 1)"""


def dsr_entries(
    type_: str,
    cells: Mapping[str, int],
    names: Mapping[str, str],
    *,
    only_pool: str | None,
    careful: bool,
    span: tuple[int, int] | None = None,
) -> str:
    """Fill ``entries`` from the lines of a type, releases left out.

    ``only_pool`` stands for a summary that a line does not name. ``careful``: a resource may be there twice, or a line
    point to none in a block that has just one; slower. ``span``: lines that share no block with others, so that the
    join needs no more memory than they do.
    """
    inline = "block" not in cells
    key = "reference" if "resource" in cells else "dsp_resource"
    pointer = _cell(cells, "resource", _cell(cells, "dsp_resource"))
    near = f"(SELECT * FROM resources WHERE line BETWEEN {span[0]} AND {span[1]})" if span else "resources"
    table = _ONCE.format(key=key) if careful else near
    single = f"LEFT JOIN {_SINGLE} s ON r.line IS NULL AND s.block = u.block" if careful else ""
    found = "COALESCE(r.line, s.line)" if careful else "r.line"

    def of_resource(field: str) -> str:
        if inline:
            return f"u.{field}"
        return f"CASE WHEN r.line IS NULL THEN s.{field} ELSE r.{field} END" if careful else f"r.{field}"

    joined = "" if inline else f"LEFT JOIN {table} r ON r.block = u.block AND r.{key} = u.pointer {single}"
    unnamed = "FALSE" if inline else f"{found} IS NULL"
    return f"""
    INSERT INTO entries
    SELECT u.line, CASE
            WHEN u.reason IS NOT NULL THEN u.reason
            WHEN p.id IS NULL THEN {told("no good summary", "u.summary")} || ' in this report'
            WHEN {unnamed} THEN {told(f"{names.get('resource', 'resource')}", "u.pointer")}
                || ': its block ' || COALESCE(u.block, '') || ' names no such resource'
        END, u.summary, COALESCE(u.used_on, p.used_on), p.territory, p.currency, u.revenue_micro, u.quantity_micro,
        u.bearing, u.price_micro, {of_resource("isrc")}, NULL, {of_resource("iswc")}, {of_resource("title")},
        {of_resource("artist")}, p.source, COALESCE(NULLIF(u.use_type, ''), p.use_type), p.commercial_model, 0, 1
    FROM ({_parsed(type_, cells, names, pointer=pointer, only_pool=only_pool, released=False, span=span)}) u
    LEFT JOIN pools p ON p.id = u.summary {joined}"""


def release_entries(type_: str, cells: Mapping[str, int], names: Mapping[str, str], *, only_pool: str | None) -> str:
    """Fill ``entries`` from the lines that sold a release: a part for each of its resources, all alike."""
    release = _cell(cells, "release")
    return f"""
    INSERT INTO entries
    WITH sold AS ({_parsed(type_, cells, names, pointer=release, only_pool=only_pool, released=True)}),
    parts AS (
        SELECT s.line, r.* EXCLUDE (line, block),
            row_number() OVER (PARTITION BY s.line ORDER BY r.line) - 1 AS part,
            count(*) OVER (PARTITION BY s.line) AS n_parts
        FROM sold s
        JOIN (SELECT block, reference, first(resources) AS resources FROM releases GROUP BY ALL) e
            ON e.block = s.block AND e.reference = s.pointer
        JOIN resources r ON r.block = s.block
            AND (e.resources IS NULL OR list_contains(string_split(e.resources, '|'), r.reference)))
    SELECT u.line, CASE
            WHEN u.reason IS NOT NULL THEN u.reason
            WHEN p.id IS NULL THEN {told("no good summary", "u.summary")} || ' in this report'
            WHEN r.part IS NULL THEN {told(names["release"], "u.pointer")}
                || ': its block ' || COALESCE(u.block, '') || ' has no resource of such a release'
        END, u.summary, COALESCE(u.used_on, p.used_on), p.territory, p.currency, u.revenue_micro, u.quantity_micro,
        u.bearing, u.price_micro, r.isrc, NULL, r.iswc, r.title, r.artist, p.source,
        COALESCE(NULLIF(u.use_type, ''), p.use_type), p.commercial_model, COALESCE(r.part, 0), COALESCE(r.n_parts, 1)
    FROM sold u LEFT JOIN parts r ON r.line = u.line LEFT JOIN pools p ON p.id = u.summary"""


def _parsed(
    type_: str,
    cells: Mapping[str, int],
    names: Mapping[str, str],
    *,
    pointer: str,
    only_pool: str | None,
    released: bool,
    span: tuple[int, int] | None = None,
) -> str:
    """Read the numbers of the lines that sold a release, or of those that did not.

    The first thing that is wrong with a line is its ``reason``.
    """
    fields = ("quantity", "returns", "revenue", "price", "bearing", "use_type", "used_on", "isrc", "iswc")
    cut = ", ".join(f"{_text(cells, field)} AS {field}" for field in (*fields, "title", "artist"))
    returned = _text(cells, "returns")
    due = max(cells["quantity"], cells.get("revenue", 0), cells.get("summary", 0))
    only = f"'{only_pool.replace(chr(39), chr(39) * 2)}'" if only_pool is not None else "NULL"
    named = "NULL AS isrc, NULL AS iswc, NULL AS title, NULL AS artist"
    if "block" not in cells:
        named = """code(first_of(isrc)) AS isrc, work_code(iswc) AS iswc,
            meant(title, escaped) AS title, meant(artist, escaped) AS artist"""
    own = (
        ""
        if "revenue" not in cells
        else f"""
            WHEN revenue_micro IS NULL THEN {told(names["revenue"], "revenue")}
                || ': not a number of up to 12 digits and 6 decimals'
            WHEN revenue_micro < 0 AND quantity_micro > 0 THEN {told(names["revenue"], "revenue")}
                || ': revenue below zero for usage above zero; a correction has both below zero'
            WHEN revenue_micro > 0 AND quantity_micro < 0 THEN {told(names["revenue"], "revenue")}
                || ': revenue above zero for usage below zero'"""
    )
    return f"""
    SELECT line, block, summary, pointer, quantity_micro, revenue_micro, price_micro, bearing, use_type, day AS used_on,
        isrc, iswc, title, artist, CASE
            WHEN n_cells < {due} THEN 'the line ends after ' || n_cells || ' cells; {type_} has {due} at least'
            WHEN quantity_micro IS NULL THEN {told(names["quantity"], "quantity")}
                || ': not a number of up to 12 digits and 6 decimals'
            WHEN returns_micro IS NULL THEN {told("Returns", "returns")} || ': not a number'{own}
            WHEN used_on <> '' AND day IS NULL THEN {told(names.get("used_on", ""), "used_on")} || ': not a date'
        END AS reason
    FROM (
        SELECT line, block, summary, pointer, release, n_cells, quantity, returns, revenue, used_on, use_type, {named},
            micro(quantity) - COALESCE(returns_micro, 0) AS quantity_micro, returns_micro,
            {"micro(revenue)" if "revenue" in cells else "NULL"} AS revenue_micro,
            CASE WHEN price <> '' THEN micro(price) END AS price_micro,
            lower(COALESCE(bearing, '')) NOT IN ('false', '0') AS bearing,
            CASE WHEN used_on <> '' THEN day(used_on) END AS day
        FROM (
            SELECT rowid + 1 AS line, {_cell(cells, "block")} AS block, {pointer} AS pointer,
                COALESCE({_text(cells, "release")}, '') AS release, len(c) AS n_cells,
                COALESCE(NULLIF({_cell(cells, "summary")}, ''), {only}) AS summary, contains(line, '\\') AS escaped,
                CASE WHEN {returned} = '' THEN 0 ELSE micro({returned}) END AS returns_micro,
                {cut}
            {_of_type(type_, span)}))
    WHERE release {"<>" if released else "="} ''"""


# ── who gets what of a summary ───────────────────────────────────────────────

POOLS = """
SELECT summary, CAST(sum(quantity_micro) AS VARCHAR),
    CAST(COALESCE(sum(quantity_micro) FILTER (bearing AND reason IS NULL), 0) AS VARCHAR),
    CAST(COALESCE(sum(weight_by_price) FILTER (bearing AND reason IS NULL), 0) AS VARCHAR),
    bool_and(weight_by_price IS NOT NULL) FILTER (bearing AND reason IS NULL),
    CAST(sum(amount_micro) FILTER (reason IS NULL) AS VARCHAR),
    bool_or(amount_micro IS NULL)
FROM (SELECT *, CASE WHEN abs(CAST(price_micro AS HUGEINT) * quantity_micro) < 1000000000000000000000000
        THEN CAST(price_micro AS HUGEINT) * (quantity_micro // 1000000) END AS weight_by_price
      FROM entries WHERE part = 0)
WHERE summary IS NOT NULL GROUP BY summary ORDER BY summary
"""
"""Of each summary: all its usages, those that bring money, their prices' sum, whether all have one, own revenue."""

_WEIGHT = "CASE WHEN s.by_price THEN CAST(e.price_micro AS HUGEINT) * (e.quantity_micro // 1000000)"
_WEIGHT += " ELSE CAST(e.quantity_micro AS HUGEINT) END"
_DIVIDED_HERE = "e.reason IS NULL AND e.bearing AND e.amount_micro IS NULL"

CLASSES = f"""
CREATE OR REPLACE TABLE classes AS
WITH weighed AS (
    SELECT e.summary, {_WEIGHT} AS weight, count(*) AS n, any_value(s.amount_micro) AS pool,
        any_value(s.weight) AS weights
    FROM entries e JOIN shares s USING (summary) WHERE {_DIVIDED_HERE} AND e.part = 0 GROUP BY 1, 2),
signed AS (SELECT *, pool * weight * CAST(sign(weights) AS HUGEINT) AS due, abs(weights) AS whole FROM weighed),
ranked AS (
    SELECT *, floored(due, whole) AS base,
        sum(n) OVER (PARTITION BY summary ORDER BY above(due, whole) DESC, weight DESC) - n AS n_before,
        pool - sum(floored(due, whole) * n) OVER (PARTITION BY summary) AS n_over
    FROM signed)
SELECT summary, weight, base, least(greatest(n_over - n_before, 0), n) AS n_raised, n,
    CASE WHEN n_over - n_before >= n THEN 9223372036854775807 WHEN n_over - n_before <= 0 THEN 0 END AS raised_until
FROM ranked;
UPDATE classes SET raised_until = edge.line FROM (
    SELECT e.summary, {_WEIGHT} AS weight, e.line
    FROM entries e JOIN shares s USING (summary)
    JOIN classes k ON k.summary = e.summary AND k.weight = {_WEIGHT} AND k.raised_until IS NULL
    WHERE {_DIVIDED_HERE} AND e.part = 0
    QUALIFY row_number() OVER (PARTITION BY e.summary, {_WEIGHT} ORDER BY e.line) = k.n_raised) edge
WHERE classes.summary = edge.summary AND classes.weight = edge.weight;
"""
"""Base amount of each weight in each pool, and up to which line of that weight a further millionth is given."""

DIVIDED = f"""
CREATE OR REPLACE VIEW landed AS
SELECT e.* REPLACE (CAST(floored(a.amount, e.n_parts)
        + CASE WHEN e.part < above(a.amount, e.n_parts) THEN 1 ELSE 0 END AS BIGINT) AS amount_micro)
FROM entries e
LEFT JOIN shares s USING (summary)
LEFT JOIN classes k ON k.summary = e.summary AND {_DIVIDED_HERE} AND k.weight = {_WEIGHT},
LATERAL (SELECT COALESCE(e.amount_micro,
    k.base + CASE WHEN e.line <= k.raised_until THEN 1 ELSE 0 END, 0) AS amount) a
WHERE e.reason IS NULL
"""
LANDED = "CREATE OR REPLACE VIEW landed AS SELECT * FROM entries WHERE reason IS NULL"
"""Where every line has its own amount."""

ENTRY_FAULTS = "INSERT INTO faults SELECT DISTINCT line, reason, NULL FROM entries WHERE reason IS NOT NULL"


def written(path: str, report_id: str, period: str, columns: Sequence[str] = COLUMNS, *, in_order: bool = False) -> str:
    """Write the usage of a period as Parquet, in the order of its lines; ``in_order``: they lie so already."""
    picked = {
        "report_id": f"'{report_id}'",
        "period": f"'{period}'",
        "quantity": "CAST(CASE WHEN quantity_micro % 1000000 = 0 THEN quantity_micro // 1000000"
        " ELSE floored(quantity_micro + 500000, 1000000) END AS BIGINT)",
    }
    texts = ("title", "artist", "source", "use_type", "commercial_model")
    picked |= {name: f"COALESCE({name}, '')" for name in texts}
    selected = ", ".join(f"{picked.get(name, name)} AS {name}" for name in columns)
    order = "" if in_order else "ORDER BY line, part"
    return f"""
    COPY (SELECT {selected} FROM landed
          WHERE used_on >= DATE '{period}-01' AND used_on < DATE '{period}-01' + INTERVAL 1 MONTH {order})
    TO '{path}' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE {_ROW_GROUP_ROWS})"""


UNMATCHED = """
WITH known AS (SELECT * FROM read_csv($2, header = false, auto_detect = false, delim = ',',
    columns = {'isrc': 'VARCHAR', 'sha256': 'VARCHAR'})),
added AS (
    SELECT isrc, upload_sha256, CASE WHEN isrc IS NULL AND upload_sha256 IS NULL THEN title END AS untitled,
        min(title) AS title, min(artist) AS artist, currency, sum(amount_micro) AS amount_micro,
        sum(quantity) AS quantity, count(*) AS n_lines, min(used_on) AS first_used_on, max(used_on) AS last_used_on
    FROM read_parquet($1) GROUP BY isrc, upload_sha256, untitled, currency)
SELECT isrc, upload_sha256, title, artist, currency, CAST(amount_micro AS VARCHAR), CAST(quantity AS VARCHAR), n_lines,
    first_used_on, last_used_on
FROM added a
WHERE NOT EXISTS (SELECT 1 FROM known k WHERE k.isrc = a.isrc)
    AND NOT EXISTS (SELECT 1 FROM known k WHERE k.sha256 = a.upload_sha256)
ORDER BY currency, a.amount_micro DESC, isrc, upload_sha256, title LIMIT $3
"""
"""Of Parquet ($1) and the catalogue's identifiers (a CSV, $2): what is not in the catalogue, at most $3 rows."""
