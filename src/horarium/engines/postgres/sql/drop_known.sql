-- Take back what insert.sql has just stored, where a run of that id has ended already.
-- Parameters: ids; token (of the put)
-- Result: id of each that was known
-- State: waiting -> (unknown); the ended run stays as it is
-- Safe: sent behind insert.sql in its transaction, with a newer snapshot: an insert that met no living message of this id
--   came after the commit that ended it, so that run is seen here. One statement for both would look too early.
WITH known AS MATERIALIZED (SELECT id FROM {schema}.runs WHERE id = ANY (%(ids)s::text[]))
DELETE FROM {schema}.messages AS m USING known
WHERE m.id = known.id AND m.token = %(token)s::bigint
RETURNING m.id
