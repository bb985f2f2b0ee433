-- Give a waiting message to an owner.
-- Parameters: ?1 seq, ?2 owner, ?3 worker (the owner's member name), ?4 now
-- Result: id, message, fence, attempt, crashes
-- State: waiting -> in hand, RECEIVED; attempt and fence one higher
-- Safe: inside the write transaction that found it waiting; phase is checked all the same
UPDATE runs
SET phase = 1, state = 'RECEIVED', owner = ?2, worker = ?3, changed = ?4, attempt = attempt + 1, fence = fence + 1
WHERE seq = ?1 AND phase = 0
RETURNING id, message, fence, attempt, crashes
