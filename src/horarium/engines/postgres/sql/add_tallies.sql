-- Add tallies to those of their buckets.
-- Parameters: tallies (JSON array of objects, each bucket, task and queue once, in order), relaxed (the
--   synchronous_commit: they need not survive a crash of the server)
-- Result: the chosen durability
-- State: unchanged
-- Safe: one statement. Each row is locked before it is added to, in one order for everybody; sent twice, it counts twice
WITH told AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(tallies)s::jsonb) AS told (
        width integer, at bigint, task text, queue text,
        counts jsonb, ran bigint[], ran_sum float8, waited bigint[], waited_sum float8
    )
),
added AS (
    INSERT INTO {schema}.tallies AS t (width, at, task, queue, counts, ran, ran_sum, waited, waited_sum)
    SELECT width, at, task, queue, counts, ran, ran_sum, waited, waited_sum
    FROM told ORDER BY width, at, task COLLATE "C", queue COLLATE "C"
    ON CONFLICT (width, at, task, queue) DO UPDATE SET
        counts = (
            SELECT coalesce(jsonb_object_agg(each.word, each.number), '{}') FROM (
                SELECT one.word, sum(one.number::bigint) AS number FROM (
                    SELECT * FROM jsonb_each(t.counts) UNION ALL SELECT * FROM jsonb_each(excluded.counts)
                ) AS one (word, number) GROUP BY one.word
            ) AS each
        ),
        ran = ARRAY(
            SELECT coalesce(one, 0) + coalesce(other, 0)
            FROM unnest(t.ran, excluded.ran) WITH ORDINALITY AS both_of (one, other, place) ORDER BY place
        ),
        ran_sum = t.ran_sum + excluded.ran_sum,
        waited = ARRAY(
            SELECT coalesce(one, 0) + coalesce(other, 0)
            FROM unnest(t.waited, excluded.waited) WITH ORDINALITY AS both_of (one, other, place) ORDER BY place
        ),
        waited_sum = t.waited_sum + excluded.waited_sum
)
SELECT set_config('synchronous_commit', %(relaxed)s::text, true)
