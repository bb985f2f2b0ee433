-- Remove the surplus of ended runs from those that have no keep of their own, those that ended first.
-- Parameters: :most, :limit
-- Result: none; the changed rows are those removed
-- State: ended -> (unknown)
-- Safe: one statement inside a write transaction, counted in it: two callers remove no more than one would
DELETE FROM runs WHERE seq IN (
    SELECT seq FROM runs WHERE phase = 2 AND keep IS NULL ORDER BY changed
    LIMIT max(0, min(:limit, (SELECT count(*) FROM runs WHERE phase = 2 AND keep IS NULL)
        + (SELECT count(*) FROM runs WHERE phase = 2 AND keep IS NOT NULL) - :most))
)
