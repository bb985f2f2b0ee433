-- Remove the oldest entries of the journal, so that a number is kept.
-- Parameters: kept
-- Result: none
-- State: there -> (unknown)
-- Safe: numbers only grow, so what is too old stays too old
DELETE FROM {schema}.journal WHERE number <= (
    SELECT j.number FROM {schema}.journal AS j WHERE j.number > 0 ORDER BY j.number DESC LIMIT 1
) - %(kept)s::bigint
