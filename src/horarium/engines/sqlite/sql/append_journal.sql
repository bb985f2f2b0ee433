-- Add to the journal.
-- Parameters: ?1 entry (JSON)
-- Result: none
-- State: unchanged
-- Safe: inside a write transaction
INSERT INTO journal (entry) VALUES (?1)
