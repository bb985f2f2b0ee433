-- Remove old tallies of a width, the oldest first.
-- Parameters: ?1 width (ms), ?2 the moment before which they began, ?3 how many at the most
-- Result: none
-- State: unchanged
-- Safe: inside a write transaction
DELETE FROM tallies WHERE (width, at, task, queue) IN (
    SELECT width, at, task, queue FROM tallies WHERE width = ?1 AND at < ?2 ORDER BY at, task, queue LIMIT ?3
)
