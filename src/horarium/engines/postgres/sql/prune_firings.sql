-- Remove old firings, as many as the bound allows; the key begins with nominal, so this is a range.
-- Parameters: fired, limit
-- Result: none
-- State: fired -> (unknown)
-- Safe: next_fire has long passed them; what somebody else is removing is left to them
DELETE FROM {schema}.firings WHERE ctid = ANY (ARRAY (
    SELECT ctid FROM {schema}.firings WHERE nominal <= %(fired)s::bigint
    ORDER BY nominal LIMIT %(limit)s::bigint FOR UPDATE SKIP LOCKED
))
