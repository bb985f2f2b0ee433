-- Keep the greatest of the readings of each bucket and queue.
-- Parameters: readings (JSON array of objects, each bucket and queue once, in order), relaxed (the synchronous_commit)
-- Result: the chosen durability
-- State: unchanged
-- Safe: one statement; rows are locked in one order, and in whichever they come, the same comes of it
WITH told AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(readings)s::jsonb) AS told (
        width integer, at bigint, queue text, ready bigint, claimed bigint, oldest float8
    )
),
kept AS (
    INSERT INTO {schema}.readings AS r (width, at, queue, ready, claimed, oldest)
    SELECT width, at, queue, ready, claimed, oldest FROM told ORDER BY width, at, queue COLLATE "C"
    ON CONFLICT (width, at, queue) DO UPDATE SET
        ready = greatest(r.ready, excluded.ready),
        claimed = greatest(r.claimed, excluded.claimed),
        oldest = greatest(r.oldest, excluded.oldest)
)
SELECT set_config('synchronous_commit', %(relaxed)s::text, true)
