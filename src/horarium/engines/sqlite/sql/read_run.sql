-- Read a run.
-- Parameters: :id
-- Result: the columns of rows.to_run
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT runs.id, phase, state, task, queue, runs.seq >> 20, attempt, cancel, worker, started, ended, changed, message, result, history
FROM runs WHERE id = :id
