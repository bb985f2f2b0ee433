-- Replace schedules, once their versions have been compared.
-- Parameters: names, ids, owners, actives, versions, next_fires, failures, records (JSON): arrays of one length, each name
--   once; token (of the save)
-- Result: none
-- State: version n -> version n + 1, held no more; what firings and runs count stays as stored
-- (Rows are reached by ctid, and found by name in a LATERAL: see advance.sql.)
-- Safe: inside the transaction that has locked them, with a newer snapshot
UPDATE {schema}.schedules AS s
SET id = told.id, owner = told.owner, active = told.active, version = told.version, next_fire = told.next_fire,
    failures = told.failures, held = false, token = %(token)s::bigint, record = told.record
FROM (
    SELECT told.*, here.tid FROM unnest(
        %(names)s::text[], %(ids)s::text[], %(owners)s::text[], %(actives)s::boolean[], %(versions)s::bigint[],
        %(next_fires)s::bigint[], %(failures)s::bigint[], %(records)s::text[]
    ) AS told (name, id, owner, active, version, next_fire, failures, record)
    CROSS JOIN LATERAL (SELECT s.ctid AS tid FROM {schema}.schedules AS s WHERE s.name = told.name OFFSET 0) AS here
    OFFSET 0
) AS told
WHERE s.ctid = told.tid
