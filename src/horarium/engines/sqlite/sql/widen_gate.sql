-- Let a gate wait for more.
-- Parameters: ?1 id, ?2 how many
-- Result: none
-- State: blocked -> blocked
-- Safe: inside a write transaction
UPDATE gates SET widened = widened + ?2 WHERE id = ?1
