-- Count an arrival that arrive.sql has noted.
-- Parameters: ?1 gate
-- Result: none
-- State: blocked -> blocked
-- Safe: inside the same write transaction
UPDATE gates SET arrived = arrived + 1 WHERE id = ?1
