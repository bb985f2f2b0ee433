-- Remove the notes that have expired.
-- Parameters: ?1 now
-- Result: none
-- State: unchanged
-- Safe: inside a write transaction
DELETE FROM notes WHERE expires IS NOT NULL AND expires <= ?1
