-- Remove a note.
-- Parameters: ?1 key
-- Result: none; the changed rows are those removed
-- State: unchanged
-- Safe: inside a write transaction
DELETE FROM notes WHERE key = ?1
