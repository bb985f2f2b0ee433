-- Create schedules.
-- Parameters: names, ids, owners, actives, versions, next_fires, last_fires, total_runs, misseds, skippeds, succeededs,
--   failures, endeds, records (JSON): arrays of one length, each name once; token (of the save)
-- Result: name of each; one is missing if somebody else has just created it
-- State: (unknown) -> version 1
-- Safe: the unique name decides; created in the order of names, in which everybody locks
INSERT INTO {schema}.schedules
    (name, id, owner, active, version, next_fire, last_fire, total_runs, missed, skipped, succeeded, failures, ended, token,
    record)
SELECT name, id, owner, active, version, next_fire, last_fire, total_runs, missed, skipped, succeeded, failures, ended,
    %(token)s::bigint, record
FROM unnest(
    %(names)s::text[], %(ids)s::text[], %(owners)s::text[], %(actives)s::boolean[], %(versions)s::bigint[],
    %(next_fires)s::bigint[], %(last_fires)s::bigint[], %(total_runs)s::bigint[], %(misseds)s::bigint[],
    %(skippeds)s::bigint[], %(succeededs)s::bigint[], %(failures)s::bigint[], %(endeds)s::bigint[], %(records)s::text[]
) WITH ORDINALITY AS told (name, id, owner, active, version, next_fire, last_fire, total_runs, missed, skipped, succeeded,
    failures, ended, record, place)
ORDER BY place
ON CONFLICT (name) DO NOTHING
RETURNING name
