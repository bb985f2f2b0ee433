-- Ask whether an id is known.
-- Parameters: ?1 id
-- Result: a row if so
-- State: unchanged
-- Safe: inside a write transaction
SELECT 1 FROM runs WHERE id = ?1
