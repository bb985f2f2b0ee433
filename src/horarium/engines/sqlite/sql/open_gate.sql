-- Note what a blocked message waits for, in place of what it waited for before.
-- Parameters: ?1 id, ?2 size or NULL
-- Result: none
-- State: blocked, with nothing arrived
-- Safe: inside a write transaction
INSERT INTO gates (id, size) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET size = excluded.size, widened = 0, arrived = 0
