-- List the members.
-- Parameters: listed (those given up at or before are left out)
-- Result: owner, name, member (JSON), seen, lease_until, given_up, number of deliveries held
-- State: unchanged
-- Safe: one snapshot
SELECT owner, name, member, seen, lease_until, given_up,
    (SELECT count(*) FROM {schema}.messages AS m WHERE m.owner = o.owner)
FROM {schema}.owners AS o WHERE given_up IS NULL OR given_up > %(listed)s::bigint
