-- Remove runs that ended longer ago than their own keep.
-- Parameters: :now, :limit
-- Result: none; the changed rows are those removed
-- State: ended -> (unknown)
-- Safe: one statement inside a write transaction; what two callers do at once is done once
DELETE FROM runs WHERE seq IN (
    SELECT seq FROM runs WHERE phase = 2 AND keep IS NOT NULL AND changed + keep <= :now
    ORDER BY changed + keep LIMIT :limit
)
