-- Count how many more runs have ended than may stay.
-- Parameters: most
-- Result: the number; 0 or less: none
-- State: unchanged
-- Safe: a hint; what is missed now is found by the next call
SELECT count(*) - %(most)s::bigint FROM {schema}.runs
