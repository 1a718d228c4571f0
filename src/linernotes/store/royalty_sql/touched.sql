-- Which usage periods have a line of a thing of which anything is known otherwise than before.
-- What was known then is in the schema before; what is equal, row for row, is taken off on both sides.
WITH now_known AS (
    SELECT thing_id, isrc, sha256, too_fine, share_whole, claim_whole FROM things
),
then_known AS (
    SELECT thing_id, isrc, sha256, too_fine, share_whole, claim_whole FROM before.things
),
now_shared AS (
    SELECT t.thing_id, s.right_no, p.party_id, y.party_id AS payee_id, s.parts, s.territory, s.valid_from, s.valid_to
    FROM shares s JOIN things t USING (thing_no) JOIN parties p USING (party_no) JOIN parties y ON y.party_no = p.payee_no
),
then_shared AS (
    SELECT t.thing_id, s.right_no, p.party_id, y.party_id AS payee_id, s.parts, s.territory, s.valid_from, s.valid_to
    FROM before.shares s
    JOIN before.things t USING (thing_no)
    JOIN before.parties p USING (party_no)
    JOIN before.parties y ON y.party_no = p.payee_no
),
now_claimed AS (
    SELECT t.thing_id, c.claim_id, p.party_id, y.party_id AS payee_id, c.side, c.country, c.is_due, c.parts
    FROM claims c JOIN things t USING (thing_no) JOIN parties p USING (party_no) JOIN parties y ON y.party_no = p.payee_no
),
then_claimed AS (
    SELECT t.thing_id, c.claim_id, p.party_id, y.party_id AS payee_id, c.side, c.country, c.is_due, c.parts
    FROM before.claims c
    JOIN before.things t USING (thing_no)
    JOIN before.parties p USING (party_no)
    JOIN before.parties y ON y.party_no = p.payee_no
),
changed AS (
    SELECT thing_id FROM (FROM now_known EXCEPT ALL FROM then_known)
    UNION SELECT thing_id FROM (FROM then_known EXCEPT ALL FROM now_known)
    UNION SELECT thing_id FROM (FROM now_shared EXCEPT ALL FROM then_shared)
    UNION SELECT thing_id FROM (FROM then_shared EXCEPT ALL FROM now_shared)
    UNION SELECT thing_id FROM (FROM now_claimed EXCEPT ALL FROM then_claimed)
    UNION SELECT thing_id FROM (FROM then_claimed EXCEPT ALL FROM now_claimed)
),
named AS (
    SELECT isrc, sha256 FROM things WHERE thing_id IN (FROM changed)
    UNION SELECT isrc, sha256 FROM before.things WHERE thing_id IN (FROM changed)
)
SELECT DISTINCT period
FROM usage
WHERE isrc IN (SELECT isrc FROM named WHERE isrc IS NOT NULL)
    OR upload_sha256 IN (SELECT sha256 FROM named WHERE sha256 IS NOT NULL)
ORDER BY period
