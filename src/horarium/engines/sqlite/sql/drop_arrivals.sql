-- Forget what has arrived at a gate.
-- Parameters: ?1 gate
-- Result: none
-- State: blocked -> released or ended
-- Safe: inside the write transaction that moves the message
DELETE FROM arrivals WHERE gate = ?1
