-- Find owners that were given up and hold something all the same.
-- Parameters: none
-- Result: owner, name, seen, member (JSON), in the order in which they were given up
-- State: unchanged
-- Safe: inside the transaction that takes back what they hold
SELECT owner, name, seen, member FROM {schema}.owners AS o
WHERE given_up IS NOT NULL AND (SELECT true FROM {schema}.messages AS m WHERE m.owner = o.owner LIMIT 1)
ORDER BY given_up, owner
