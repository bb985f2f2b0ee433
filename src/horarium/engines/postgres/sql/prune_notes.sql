-- Remove notes past their expires.
-- Parameters: now, limit
-- Result: none
-- State: there -> (unknown)
-- Safe: what somebody else is at is left to them
DELETE FROM {schema}.notes WHERE ctid = ANY (ARRAY (
    SELECT ctid FROM {schema}.notes WHERE expires <= %(now)s::bigint
    ORDER BY expires LIMIT %(limit)s::bigint FOR UPDATE SKIP LOCKED
))
