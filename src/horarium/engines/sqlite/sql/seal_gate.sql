-- Tell a gate that knows no size how many arrive.
-- Parameters: ?1 id, ?2 size
-- Result: none; one changed row, or none if there is no such gate, or it has a size
-- State: blocked -> blocked
-- Safe: inside a write transaction
UPDATE gates SET size = ?2 WHERE id = ?1 AND size IS NULL
