-- Look at unique keys that nobody has looked at for long; forget those whose holders have ended.
-- Parameters: now, before (those looked at last before that), limit
-- Result: none
-- State: held -> held, or (unknown)
-- Safe: a holder is stored in the transaction that gives it the key, so one that is not seen has ended; keys that somebody
--   has locked are left to them
WITH old AS MATERIALIZED (
    SELECT u.ctid AS tid, u.id FROM {schema}.uniques AS u WHERE u.looked <= %(before)s::bigint
    ORDER BY u.looked LIMIT %(limit)s::bigint FOR UPDATE SKIP LOCKED
),
seen AS MATERIALIZED (
    SELECT old.tid, (SELECT true FROM {schema}.messages AS m WHERE m.id = old.id) IS NULL AS is_free FROM old
),
gone AS (
    DELETE FROM {schema}.uniques AS u USING seen WHERE u.ctid = seen.tid AND seen.is_free
)
UPDATE {schema}.uniques AS u SET looked = %(now)s::bigint FROM seen WHERE u.ctid = seen.tid AND NOT seen.is_free
