-- List active schedules that are due and not held, the earliest first.
-- Parameters: :until, :limit
-- Result: the columns of schedules.to_schedule
-- State: unchanged
-- Safe: a hint; fire compares again
SELECT name, id, owner, version, next_fire, last_fire, total_runs, missed, skipped, held, succeeded, failures, ended, record
FROM schedules
WHERE active = 1 AND held = 0 AND next_fire IS NOT NULL AND next_fire <= :until ORDER BY next_fire, name LIMIT :limit
