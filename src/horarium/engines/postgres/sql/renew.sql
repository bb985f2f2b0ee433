-- Register owners or renew their leases.
-- Parameters: owners, names, members (JSON): arrays of one length, each owner once; now, until; relaxed (the
--   synchronous_commit: a lease means nothing after a restart of the server)
-- Result: the chosen durability; owner of each lease that holds now
-- State: (unknown) or live -> live until ``until``; one given up stays so
-- Safe: one statement: a lease is renewed or lapses, never both
WITH renewed AS (
    INSERT INTO {schema}.owners AS o (owner, name, seen, lease_until, member)
    SELECT owner, name, %(now)s::bigint, %(until)s::bigint, member
    FROM unnest(%(owners)s::text[], %(names)s::text[], %(members)s::text[]) AS told (owner, name, member)
    ORDER BY owner
    ON CONFLICT (owner) DO UPDATE
    SET name = excluded.name, seen = excluded.seen, lease_until = excluded.lease_until, member = excluded.member
    WHERE o.given_up IS NULL
    RETURNING owner
)
SELECT (SELECT set_config('synchronous_commit', %(relaxed)s::text, true)), owner FROM renewed
