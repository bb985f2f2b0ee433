-- List runs, the latest created first. One index finds them ({driver} is filled in by results.py from a fixed list:
-- every index ends in seq, so it yields them in this order); the other conditions are only checked, never searched by.
-- Parameters: :value, :value_end (of the driver), :since, :until (seq; of a further page: that of the last one seen),
--   :states, :tasks, :queues (JSON arrays or NULL), :schedule, :parent, :root, :prefix (or NULL), :limit
-- Result: seq, then the columns of rows.to_run
-- State: unchanged
-- Safe: one statement, one snapshot; places never change, so no run is on two pages
SELECT runs.seq, runs.id, phase, state, task, queue, runs.seq >> 20, attempt, cancel, worker, started, ended, changed, message, result, history
FROM runs
WHERE {driver}
    AND seq >= :since AND seq < :until
    AND (:states IS NULL OR +state IN (SELECT value FROM json_each(:states)))
    AND (:tasks IS NULL OR +task IN (SELECT value FROM json_each(:tasks)))
    AND (:queues IS NULL OR +queue IN (SELECT value FROM json_each(:queues)))
    AND (:schedule IS NULL OR +schedule = :schedule)
    AND (:parent IS NULL OR +parent = :parent)
    AND (:root IS NULL OR +root = :root)
    AND (:prefix IS NULL OR substr(+id, 1, length(:prefix)) = :prefix)
ORDER BY seq DESC
LIMIT :limit
