-- Record the success of a first attempt: the common road, one statement. Its attempt is not written down a second time;
-- rows.py reads it from the columns.
-- Parameters: ?1 id, ?2 owner, ?3 fence, ?4 settled (the settlement's mark), ?5 result, ?6 worker or NULL, ?7 started,
--   ?8 ended, ?9 now, ?10 keep (ms) or NULL, ?11 (1: also of what a schedule sent, which the caller tells then),
--   ?12 history (its log lines) or NULL
-- Result: none; one changed row, or none if the delivery is not in these hands, has a history, a slot or a unique key,
--   or a schedule sent it
-- State: in hand -> ended, SUCCESS
-- Safe: inside a write transaction; the owner and fence are compared in the same step
UPDATE runs
SET phase = 2, state = 'SUCCESS', owner = NULL, settled = ?4, result = ?5, worker = coalesce(?6, worker), started = ?7,
    ended = ?8, changed = ?9, keep = ?10, history = ?12
WHERE id = ?1 AND owner = ?2 AND fence = ?3 AND history IS NULL AND slot IS NULL AND uniq = 0 AND (schedule IS NULL OR ?11)
