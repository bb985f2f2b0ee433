-- Look at a message.
-- Parameters: ?1 id
-- Result: seq, message
-- State: unchanged
-- Safe: inside a write transaction
SELECT seq, message FROM runs WHERE id = ?1
