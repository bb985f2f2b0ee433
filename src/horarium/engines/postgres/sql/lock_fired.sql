-- Hold what schedules of these names have fired and has not ended.
-- Parameters: schedules (names)
-- Result: id of each
-- State: unchanged, locked
-- (Ordered by id || '', the planner cannot walk the key of the table instead of looking up the schedules.)
-- Safe: locked in the order of ids, inside a transaction that may end them, or that creates schedules of these names, and
--   before it locks a schedule: see news.py
SELECT id FROM {schema}.messages WHERE schedule = ANY (%(schedules)s::text[]) ORDER BY id || '' FOR UPDATE
