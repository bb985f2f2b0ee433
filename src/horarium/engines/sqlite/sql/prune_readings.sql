-- Remove old readings of a width, the oldest first.
-- Parameters: ?1 width (ms), ?2 the moment before which they began, ?3 how many at the most
-- Result: none
-- State: unchanged
-- Safe: inside a write transaction
DELETE FROM readings WHERE (width, at, queue) IN (
    SELECT width, at, queue FROM readings WHERE width = ?1 AND at < ?2 ORDER BY at, queue LIMIT ?3
)
