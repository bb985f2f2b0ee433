-- Keep a tally, in place of what its bucket, task and queue have had.
-- Parameters: ?1 width (ms), ?2 bucket, ?3 task, ?4 queue, ?5 sums (JSON)
-- Result: none
-- State: unchanged
-- Safe: inside the write transaction that has read what it had
INSERT OR REPLACE INTO tallies (width, at, task, queue, sums) VALUES (?1, ?2, ?3, ?4, ?5)
