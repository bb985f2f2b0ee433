-- Look at a delivery that a schedule sent, before its success is recorded. RETURNING both from the record of the success
-- costs 10 us where this costs 3, and would cost those without a schedule as much.
-- Parameters: ?1 id, ?2 owner, ?3 fence
-- Result: schedule, message; no row if the delivery is not in these hands, has a history, or no schedule sent it
-- State: unchanged
-- Safe: inside the write transaction that settles it
SELECT schedule, message FROM runs
WHERE id = ?1 AND owner = ?2 AND fence = ?3 AND history IS NULL AND slot IS NULL AND uniq = 0
    AND schedule IS NOT NULL
