-- The latest runs of a schedule in brief: no argument, result or history is read.
-- Parameters: :schedule, :limit
-- Result: state, started, ended
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT state, started, ended FROM runs WHERE schedule = :schedule ORDER BY seq DESC LIMIT :limit
