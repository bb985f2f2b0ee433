-- Ask whether more runs have ended than may stay.
-- Parameters: most
-- Result: true or false
-- State: unchanged
-- Safe: a hint; what is missed now is found by the next call
SELECT count(*) > %(most)s::bigint FROM {schema}.runs
