-- Look at an owner.
-- Parameters: owner
-- Result: name, given_up
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT name, given_up FROM {schema}.owners WHERE owner = %(owner)s::text
