-- Let go of the unique key that a message holds, if it does.
-- Parameters: ?1 id
-- Result: none
-- State: unchanged
-- Safe: inside a write transaction
DELETE FROM uniques WHERE id = ?1
