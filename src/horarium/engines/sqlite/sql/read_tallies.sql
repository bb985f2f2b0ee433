-- Read the tallies of a time.
-- Parameters: ?1 width (ms), ?2 since, ?3 until, ?4 tasks, ?5 queues (JSON arrays, or NULL)
-- Result: bucket, task, queue, sums (JSON)
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT at, task, queue, sums FROM tallies
WHERE width = ?1 AND at >= ?2 AND at < ?3
    AND (?4 IS NULL OR task IN (SELECT value FROM json_each(?4)))
    AND (?5 IS NULL OR queue IN (SELECT value FROM json_each(?5)))
ORDER BY at, task, queue
