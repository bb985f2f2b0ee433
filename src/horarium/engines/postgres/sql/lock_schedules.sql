-- Read schedules that are to be replaced, and hold them.
-- Parameters: names
-- Result: the columns of schedules.to_schedule, then token
-- State: unchanged, locked
-- Safe: locked in the order of names, inside the transaction that saves them
SELECT name, id, owner, version, next_fire, last_fire, total_runs, missed, skipped, held,
    succeeded, failures, ended, record, token
FROM {schema}.schedules WHERE name = ANY (%(names)s::text[]) ORDER BY name FOR UPDATE
