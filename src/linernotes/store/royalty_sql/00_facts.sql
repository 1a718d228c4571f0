-- What a run has to know, from the files as they came out of the database: numbered, and in whole numbers.
-- Shares of a thing are parts of one whole, claims on it of another; above 10^9 and 10^5 the thing is too fine.

CREATE TABLE parties AS
SELECT CAST(row_number() OVER (ORDER BY id) AS INTEGER) AS party_no, id AS party_id, payee_id FROM raw_parties;

CREATE OR REPLACE TABLE parties AS
SELECT p.party_no, p.party_id, y.party_no AS payee_no FROM parties p JOIN parties y ON y.party_id = p.payee_id;

CREATE TABLE raw_things AS
SELECT CAST(row_number() OVER (ORDER BY thing_id) AS INTEGER) AS thing_no, * FROM (
    SELECT id AS thing_id, isrc, sha256, id AS recording_id, work_id FROM raw_recordings
    UNION ALL
    SELECT 'upload:' || upload_sha256, NULL, upload_sha256, NULL, NULL
    FROM (SELECT DISTINCT upload_sha256 FROM raw_claims) c
    WHERE NOT EXISTS (SELECT 1 FROM raw_recordings r WHERE r.sha256 = c.upload_sha256)
);

CREATE TABLE thing_shares AS
SELECT t.thing_no, r.right_no, s.* EXCLUDE (subject_id, right_type)
FROM raw_shares s
JOIN rights r ON r.right_type = s.right_type AND r.of_recording
JOIN raw_things t ON t.recording_id = s.subject_id
UNION ALL
SELECT t.thing_no, r.right_no, s.* EXCLUDE (subject_id, right_type)
FROM raw_shares s
JOIN rights r ON r.right_type = s.right_type AND NOT r.of_recording
JOIN raw_things t ON t.work_id = s.subject_id;

DROP TABLE raw_shares;

CREATE TABLE thing_claims AS
SELECT t.thing_no, dense_rank() OVER (ORDER BY c.id) AS claim_no, c.* EXCLUDE (upload_sha256)
FROM raw_claims c JOIN raw_things t ON t.sha256 = c.upload_sha256;

CREATE TABLE share_wholes AS
SELECT thing_no, least(max(denominator), 1000000001) AS share_whole, bool_or(territory <> '2136') AS by_place
FROM thing_shares GROUP BY thing_no HAVING min(denominator) = max(denominator)
UNION ALL
SELECT thing_no,list_reduce(list(DISTINCT denominator), lambda a, b:
        CASE WHEN a > 1000000000 OR b > 1000000000 THEN 1000000001 ELSE least(lcm(a, b), 1000000001) END), bool_or(territory <> '2136')
FROM thing_shares
WHERE thing_no IN
    (SELECT thing_no FROM thing_shares GROUP BY thing_no HAVING min(denominator) < max(denominator))
GROUP BY thing_no;

CREATE TABLE claim_wholes AS
SELECT thing_no, least(list_reduce(list(DISTINCT denominator), lambda a, b:
        CASE WHEN a > 100000 OR b > 100000 THEN 100001 ELSE least(lcm(a, b), 100001) END), 100001) AS claim_whole,
    bool_or(country IS NOT NULL) AS by_place
FROM thing_claims GROUP BY thing_no;

CREATE TABLE things AS
SELECT thing_no, thing_id, isrc, sha256, too_fine, by_place,
    CASE WHEN too_fine THEN 1 ELSE share_whole END AS share_whole,
    CASE WHEN too_fine THEN 1 ELSE claim_whole END AS claim_whole
FROM (
    SELECT t.*, CAST(coalesce(s.share_whole, 1) AS BIGINT) AS share_whole,
        CAST(coalesce(c.claim_whole, 1) AS BIGINT) AS claim_whole,
        coalesce(s.by_place, FALSE) OR coalesce(c.by_place, FALSE) AS by_place,
        coalesce(s.share_whole > 1000000000, FALSE) OR coalesce(c.claim_whole > 100000, FALSE)
            AS too_fine
    FROM raw_things t
    LEFT JOIN share_wholes s ON s.thing_no = t.thing_no
    LEFT JOIN claim_wholes c ON c.thing_no = t.thing_no
);

CREATE TABLE shares AS
SELECT s.thing_no, s.right_no, p.party_no, s.numerator * (t.share_whole // s.denominator) AS parts,
    s.territory, s.territory = '2136' AS is_world,
    coalesce(s.valid_from, DATE '0001-01-01') AS valid_from, coalesce(s.valid_to, DATE '9999-12-31') AS valid_to
FROM thing_shares s
JOIN things t ON t.thing_no = s.thing_no AND NOT t.too_fine
JOIN parties p ON p.party_id = s.party_id;

DROP TABLE thing_shares;

CREATE TABLE claims AS
SELECT c.thing_no, CAST(c.claim_no AS INTEGER) AS claim_no, c.id AS claim_id, p.party_no, c.side, coalesce(c.country, '') AS country, c.is_due,
    c.numerator * (t.claim_whole // c.denominator) AS parts
FROM thing_claims c
JOIN things t ON t.thing_no = c.thing_no AND NOT t.too_fine
JOIN parties p ON p.party_id = c.party_id;

CREATE TABLE changes AS
SELECT DISTINCT thing_no, valid_from AS changed_on FROM shares WHERE valid_from > DATE '0001-01-01'
UNION
SELECT DISTINCT thing_no, valid_to FROM shares WHERE valid_to < DATE '9999-12-31';

CREATE TABLE named_uses AS SELECT DISTINCT use_type FROM rules WHERE NOT is_general;

CREATE TABLE reasons AS FROM (VALUES
    (0, 'share'),
    (1, 'claim'),
    (2, 'open_claim'),
    (3, 'contested_claims'),
    (4, 'contested_shares'),
    (5, 'too_fine'),
    (6, 'unclaimed')
) AS r(reason_no, reason);
