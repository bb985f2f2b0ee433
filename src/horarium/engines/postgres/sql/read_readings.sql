-- Read how queues stood in a time.
-- Parameters: width (ms), since, until, queues (array, or NULL)
-- Result: bucket, queue, ready, claimed, oldest (seconds)
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT at, queue, ready, claimed, oldest FROM {schema}.readings
WHERE width = %(width)s::integer AND at >= %(since)s::bigint AND at < %(until)s::bigint
    AND (%(queues)s::text[] IS NULL OR queue = ANY (%(queues)s::text[]))
ORDER BY at, queue
