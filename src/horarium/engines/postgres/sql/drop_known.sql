-- Take back what insert.sql has just stored, where a run of that id has ended already.
-- Parameters: ids; token (of the put)
-- Result: id of each that was known
-- State: waiting -> (unknown); the ended run stays as it is
-- (Rows are reached by ctid, and found by id in a LATERAL: joined by id, a table that was analysed while it was empty is
-- read from end to end, for ever.)
-- Safe: sent behind insert.sql in its transaction, with a newer snapshot: an insert that met no living message of this id
--   came after the commit that ended it, so that run is seen here. One statement for both would look too early.
WITH known AS MATERIALIZED (
    SELECT stored.tid FROM (SELECT id FROM {schema}.runs WHERE id = ANY (%(ids)s::text[]) OFFSET 0) AS ended
    CROSS JOIN LATERAL (
        SELECT m.ctid AS tid FROM {schema}.messages AS m WHERE m.id = ended.id AND m.token = %(token)s::bigint OFFSET 0
    ) AS stored
)
DELETE FROM {schema}.messages AS m USING known WHERE m.ctid = known.tid
RETURNING m.id
