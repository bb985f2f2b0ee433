-- Remove old tombstones of owners that hold nothing.
-- Parameters: buried
-- Result: none
-- State: given up -> (unknown)
-- Safe: after this only fences refuse such an owner
DELETE FROM {schema}.owners AS o
WHERE given_up <= %(buried)s::bigint AND (SELECT true FROM {schema}.messages AS m WHERE m.owner = o.owner LIMIT 1) IS NULL
