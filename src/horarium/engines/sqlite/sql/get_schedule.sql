-- Read a schedule.
-- Parameters: :name
-- Result: the columns of schedules.to_schedule
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT name, id, owner, version, next_fire, last_fire, total_runs, missed, skipped, held, succeeded, failures, ended, record
FROM schedules WHERE name = :name
