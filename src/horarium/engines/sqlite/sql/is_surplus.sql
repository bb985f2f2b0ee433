-- Ask whether more runs have ended than may stay.
-- Parameters: :most
-- Result: 0 or 1
-- State: unchanged
-- Safe: a hint; what is missed now is found by the next call
SELECT (SELECT count(*) FROM runs WHERE phase = 2 AND keep IS NULL)
    + (SELECT count(*) FROM runs WHERE phase = 2 AND keep IS NOT NULL) > :most
