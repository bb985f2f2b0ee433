-- Count messages in hand of a slot.
-- Parameters: ?1 slot
-- Result: number
-- State: unchanged
-- Safe: inside a write transaction
SELECT count(*) FROM runs INDEXED BY runs_slot WHERE phase = 1 AND slot = ?1
