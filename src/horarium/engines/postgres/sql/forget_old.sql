-- Remove runs that ended longer ago than the policy keeps them, the oldest first.
-- Parameters: before (ms), limit
-- Result: none; the changed rows are those removed
-- State: ended -> (unknown)
-- Safe: what somebody else is removing is left to them
DELETE FROM {schema}.runs WHERE ctid = ANY (ARRAY (
    SELECT ctid FROM {schema}.runs WHERE keep IS NULL AND changed <= %(before)s::bigint
    ORDER BY changed LIMIT %(limit)s::bigint FOR UPDATE SKIP LOCKED
))
