-- Ask what a rate had left, and when.
-- Parameters: ?1 name
-- Result: left, at
-- State: unchanged
-- Safe: a snapshot; inside the write transaction that takes from it
SELECT left, at FROM buckets WHERE name = ?1
