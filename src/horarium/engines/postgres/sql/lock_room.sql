-- Be the only one who claims of what is limited.
-- Parameters: space, key (of this schema)
-- Result: none of meaning
-- State: unchanged
-- Safe: held until the transaction has ended and can be seen; statements behind it see what those before have taken.
--   Whoever claims nothing that is limited, and has no slot, does not come here
SELECT pg_advisory_xact_lock(%(space)s::integer, %(key)s::integer)
