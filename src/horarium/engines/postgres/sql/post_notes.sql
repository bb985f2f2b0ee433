-- Keep notes, each in place of what its key has had.
-- Parameters: keys, texts (JSON), expires: arrays of one length, each key once, in order; now; durability (the
--   synchronous_commit: off for notes that are for processes that live now)
-- Result: the chosen durability
-- State: as it was -> as told
-- Safe: one statement; the last one wins
WITH posted AS (
    INSERT INTO {schema}.notes (key, text, expires, changed)
    SELECT key, text, expires, %(now)s::bigint
    FROM unnest(%(keys)s::text[], %(texts)s::text[], %(expires)s::bigint[]) AS told (key, text, expires)
    ON CONFLICT (key) DO UPDATE SET text = excluded.text, expires = excluded.expires, changed = excluded.changed
)
SELECT set_config('synchronous_commit', %(durability)s::text, true)
