-- Give up owners: they may claim and renew no more.
-- Parameters: owners, now
-- Result: none
-- State: live -> given up
-- Safe: the first one decides, and nothing takes it back
UPDATE {schema}.owners SET given_up = %(now)s::bigint WHERE owner = ANY (%(owners)s::text[]) AND given_up IS NULL
