-- Give unique keys to their new holders, and forget those that have none.
-- Parameters: asked (all keys that are locked); keys, ids, untils, fences (NULL: until the end): arrays of one length, each
--   key once; now
-- Result: none
-- State: held by nobody, or by one that holds it no more -> held
-- Safe: sent behind lock_keys.sql
WITH empty AS (
    DELETE FROM {schema}.uniques
    WHERE key = ANY (%(asked)s::text[]) AND id = '' AND key <> ALL (%(keys)s::text[])
)
INSERT INTO {schema}.uniques AS u (key, id, until, fence, looked)
SELECT key, id, until, fence, %(now)s::bigint
FROM unnest(%(keys)s::text[], %(ids)s::text[], %(untils)s::bigint[], %(fences)s::integer[]) AS told (key, id, until, fence)
ON CONFLICT (key) DO UPDATE SET id = excluded.id, until = excluded.until, fence = excluded.fence, looked = excluded.looked
