-- Register an owner or renew its lease.
-- Parameters: :owner, :name, :now, :until, :member (JSON)
-- Result: none; one changed row, or none if the owner was given up
-- State: (unknown) or live -> live until :until; one given up stays so
-- Safe: one statement inside a write transaction: a lease is renewed or lapses, never both
INSERT INTO owners (owner, name, seen, lease_until, member) VALUES (:owner, :name, :now, :until, :member)
ON CONFLICT (owner) DO UPDATE
SET name = excluded.name, seen = excluded.seen, lease_until = excluded.lease_until, member = excluded.member
WHERE given_up IS NULL
