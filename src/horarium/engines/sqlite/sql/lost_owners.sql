-- Find owners that were given up and hold something all the same.
-- Parameters: none
-- Result: owner, name, seen, member (JSON), in the order in which they were given up
-- State: unchanged
-- Safe: inside the write transaction that takes back what they hold
SELECT owner, name, seen, member FROM owners
WHERE given_up IS NOT NULL
    AND EXISTS (SELECT 1 FROM runs WHERE runs.phase = 1 AND runs.owner = owners.owner)
ORDER BY given_up
