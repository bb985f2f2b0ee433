-- Show a mark to whoever looks into this database, until the transaction ends.
-- Parameters: mark (a random number of 62 bits)
-- Result: one row without a value
-- State: unchanged
-- Safe: an advisory lock of this transaction; the number is random, so nobody waits for it
SELECT pg_advisory_xact_lock(%(mark)s::bigint)
