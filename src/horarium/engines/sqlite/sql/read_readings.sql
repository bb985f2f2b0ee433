-- Read how queues stood in a time.
-- Parameters: ?1 width (ms), ?2 since, ?3 until, ?4 queues (JSON array, or NULL)
-- Result: bucket, queue, ready, claimed, oldest (seconds)
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT at, queue, ready, claimed, oldest FROM readings
WHERE width = ?1 AND at >= ?2 AND at < ?3 AND (?4 IS NULL OR queue IN (SELECT value FROM json_each(?4)))
ORDER BY at, queue
