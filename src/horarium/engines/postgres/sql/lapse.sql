-- Give up every owner whose lease has lapsed.
-- Parameters: now
-- Result: owner of each
-- State: live -> given up
-- Safe: the lease is compared again under the lock of the row: a renewal comes before it, or finds itself given up. One
--   that is being renewed at this moment is left for the next time
UPDATE {schema}.owners AS o SET given_up = %(now)s::bigint
FROM (
    SELECT owner FROM {schema}.owners WHERE given_up IS NULL AND lease_until <= %(now)s::bigint
    FOR UPDATE SKIP LOCKED
) AS lapsed
WHERE o.owner = lapsed.owner
RETURNING o.owner
