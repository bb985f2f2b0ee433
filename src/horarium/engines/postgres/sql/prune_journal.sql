-- Remove the oldest entries of the journal, so that a number is kept.
-- Parameters: kept
-- Result: none
-- State: there -> (unknown)
-- Safe: numbers only grow, so what is too old stays too old
DELETE FROM {schema}.journal WHERE number <= (SELECT max(number) FROM {schema}.journal) - %(kept)s::bigint
