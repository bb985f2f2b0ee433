-- Ask whether all have arrived.
-- Parameters: ?1 gate
-- Result: a row if so
-- State: unchanged
-- Safe: inside a write transaction
SELECT 1 FROM gates WHERE id = ?1 AND size IS NOT NULL AND arrived >= size + widened
