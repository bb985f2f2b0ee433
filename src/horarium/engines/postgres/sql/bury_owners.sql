-- Remove old tombstones of owners that hold nothing.
-- Parameters: buried
-- Result: none
-- State: given up -> (unknown)
-- Safe: after this only fences refuse such an owner
DELETE FROM {schema}.owners AS o
WHERE given_up <= %(buried)s::bigint AND NOT EXISTS (SELECT FROM {schema}.messages AS m WHERE m.owner = o.owner)
