-- Keep the greatest of a queue's readings.
-- Parameters: ?1 width (ms), ?2 bucket, ?3 queue, ?4 ready, ?5 claimed, ?6 oldest (seconds)
-- Result: none
-- State: unchanged
-- Safe: inside a write transaction; in any order the same comes of it
INSERT INTO readings (width, at, queue, ready, claimed, oldest) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (width, at, queue) DO UPDATE SET
    ready = max(ready, excluded.ready), claimed = max(claimed, excluded.claimed), oldest = max(oldest, excluded.oldest)
