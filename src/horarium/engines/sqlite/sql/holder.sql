-- Ask who holds a unique key.
-- Parameters: ?1 key, ?2 now
-- Result: seq, id and phase of the message
-- State: unchanged
-- Safe: inside a write transaction
SELECT runs.seq, runs.id, runs.phase FROM uniques JOIN runs ON runs.id = uniques.id
WHERE uniques.key = ?1 AND (uniques.until IS NULL OR uniques.until > ?2)
