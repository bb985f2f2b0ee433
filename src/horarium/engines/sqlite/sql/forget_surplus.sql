-- Remove the surplus of ended runs from those that have no keep of their own, those that ended first.
-- Parameters: :limit
-- Result: none; the changed rows are those removed
-- State: ended -> (unknown)
-- Safe: inside the write transaction in which the surplus was counted: two callers remove no more than one would
DELETE FROM runs WHERE seq IN (
    SELECT seq FROM runs WHERE phase = 2 AND keep IS NULL ORDER BY changed
    LIMIT :limit
)
