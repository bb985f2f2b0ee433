-- Be the only one who adds to the journal.
-- Parameters: space, key (of this schema)
-- Result: none of meaning
-- State: unchanged
-- Safe: held until the transaction has ended and can be seen
SELECT pg_advisory_xact_lock(%(space)s::integer, %(key)s::integer)
