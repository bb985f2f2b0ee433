-- Note what a rate has left.
-- Parameters: ?1 name, ?2 left, ?3 now
-- Result: none
-- State: unchanged
-- Safe: inside a write transaction that has asked
INSERT OR REPLACE INTO buckets (name, left, at) VALUES (?1, ?2, ?3)
