-- Remove runs that ended longer ago than their own keep.
-- Parameters: now, limit
-- Result: none; the changed rows are those removed
-- State: ended -> (unknown)
-- Safe: what somebody else is removing is left to them
DELETE FROM {schema}.runs WHERE ctid = ANY (ARRAY (
    SELECT ctid FROM {schema}.runs WHERE keep IS NOT NULL AND changed + keep <= %(now)s::bigint
    ORDER BY changed + keep LIMIT %(limit)s::bigint FOR UPDATE SKIP LOCKED
))
