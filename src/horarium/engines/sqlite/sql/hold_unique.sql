-- Let a message hold a unique key; whoever had it and holds it no longer is forgotten.
-- Parameters: ?1 key, ?2 id, ?3 until or NULL
-- Result: none
-- State: unchanged
-- Safe: inside a write transaction that has asked who holds it
INSERT OR REPLACE INTO uniques (key, id, until) VALUES (?1, ?2, ?3)
