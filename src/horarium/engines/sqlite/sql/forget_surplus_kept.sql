-- Remove the surplus of ended runs from those that have a keep of their own, those first that it would let go first.
-- Parameters: :limit
-- Result: none; the changed rows are those removed
-- State: ended -> (unknown)
-- Safe: inside the write transaction in which the surplus was counted: two callers remove no more than one would
DELETE FROM runs WHERE seq IN (
    SELECT seq FROM runs WHERE phase = 2 AND keep IS NOT NULL ORDER BY changed + keep
    LIMIT :limit
)
