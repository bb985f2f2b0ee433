-- List the values that have arrived, in order.
-- Parameters: ?1 gate
-- Result: value
-- State: unchanged
-- Safe: inside the write transaction that releases the message
SELECT value FROM arrivals WHERE gate = ?1 ORDER BY place, member
