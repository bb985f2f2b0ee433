-- Read the tallies of a time.
-- Parameters: width (ms), since, until, tasks, queues (arrays, or NULL)
-- Result: bucket, task, queue, counts (JSON as text: psycopg would read it by Python's json), histogram and sum of run times, those of waits
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT at, task, queue, counts::text, ran, ran_sum, waited, waited_sum FROM {schema}.tallies
WHERE width = %(width)s::integer AND at >= %(since)s::bigint AND at < %(until)s::bigint
    AND (%(tasks)s::text[] IS NULL OR task = ANY (%(tasks)s::text[]))
    AND (%(queues)s::text[] IS NULL OR queue = ANY (%(queues)s::text[]))
ORDER BY at, task, queue
