-- List the due messages of one queue, task and rank, in line. Read lazily: only as far as the caller goes.
-- Parameters: ?1 queue, ?2 task, ?3 rank, ?4 now
-- Result: due, turn, seq, crashes, expires, once, slot, earliest first; all of it is in the index
-- State: unchanged
-- Safe: inside a write transaction; the caller closes it before it changes anything
SELECT due, turn, seq, crashes, expires, once, slot FROM runs
WHERE phase = 0 AND queue = ?1 AND task = ?2 AND rank = ?3 AND due <= ?4
ORDER BY due, turn
