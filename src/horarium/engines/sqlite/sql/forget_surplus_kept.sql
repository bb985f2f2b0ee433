-- Remove the surplus of ended runs from those that have a keep of their own, those first that it would let go first.
-- Parameters: :most, :limit
-- Result: none; the changed rows are those removed
-- State: ended -> (unknown)
-- Safe: one statement inside a write transaction, counted in it: two callers remove no more than one would
DELETE FROM runs WHERE seq IN (
    SELECT seq FROM runs WHERE phase = 2 AND keep IS NOT NULL ORDER BY changed + keep
    LIMIT max(0, min(:limit, (SELECT count(*) FROM runs WHERE phase = 2 AND keep IS NULL)
        + (SELECT count(*) FROM runs WHERE phase = 2 AND keep IS NOT NULL) - :most))
)
