-- Remove runs that ended longer ago than the policy keeps them, the oldest first.
-- Parameters: :before (ms), :limit
-- Result: none; the changed rows are those removed
-- State: ended -> (unknown)
-- Safe: one statement inside a write transaction; what two callers do at once is done once
DELETE FROM runs WHERE seq IN (
    SELECT seq FROM runs WHERE phase = 2 AND keep IS NULL AND changed <= :before ORDER BY changed LIMIT :limit
)
