-- Look at owners.
-- Parameters: owners
-- Result: owner, name
-- State: unchanged
-- Safe: inside the transaction that takes back what they hold
SELECT owner, name FROM {schema}.owners WHERE owner = ANY (%(owners)s::text[])
