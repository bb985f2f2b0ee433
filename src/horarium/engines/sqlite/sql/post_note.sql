-- Leave a note, in place of what its key has had.
-- Parameters: ?1 key, ?2 text, ?3 expires or NULL, ?4 now
-- Result: none
-- State: unchanged
-- Safe: inside a write transaction
INSERT OR REPLACE INTO notes (key, text, expires, changed) VALUES (?1, ?2, ?3, ?4)
