-- Create schedules.
-- Parameters: names, ids, owners, actives, versions, next_fires, last_fires, totals, misseds, records (JSON): arrays of
--   one length, each name once; token (of the save)
-- Result: name of each that is new; the others somebody else has just created
-- State: (unknown) -> version 1
-- Safe: the unique name decides
INSERT INTO {schema}.schedules (name, id, owner, active, version, next_fire, last_fire, total_runs, missed, token, record)
SELECT name, id, owner, active, version, next_fire, last_fire, total, missed, %(token)s::bigint, record
FROM unnest(
    %(names)s::text[], %(ids)s::text[], %(owners)s::text[], %(actives)s::boolean[], %(versions)s::bigint[],
    %(next_fires)s::bigint[], %(last_fires)s::bigint[], %(totals)s::bigint[], %(misseds)s::bigint[],
    %(records)s::text[]
) AS told (name, id, owner, active, version, next_fire, last_fire, total, missed, record)
ORDER BY name
ON CONFLICT (name) DO NOTHING
RETURNING name
