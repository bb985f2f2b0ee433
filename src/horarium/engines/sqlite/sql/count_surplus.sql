-- Count how many more runs have ended than may stay.
-- Parameters: :most
-- Result: the number; 0 or less: none
-- State: unchanged
-- Safe: in a snapshot a hint; inside a write transaction nobody else changes it before its end
--   A million runs take 53 ms at best on a busy machine, of the two indexes that a removal needs anyway. A counter beside
--   them would cost each end a write.
SELECT (SELECT count(*) FROM runs WHERE phase = 2 AND keep IS NULL)
    + (SELECT count(*) FROM runs WHERE phase = 2 AND keep IS NOT NULL) - :most
