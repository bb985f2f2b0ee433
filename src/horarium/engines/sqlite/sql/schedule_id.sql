-- Look up a schedule's lasting id.
-- Parameters: :name
-- Result: id
-- State: unchanged
-- Safe: inside the write transaction that fires
SELECT id FROM schedules WHERE name = :name
