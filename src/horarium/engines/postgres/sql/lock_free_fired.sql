-- Hold what schedules of these names have fired and has not ended, as far as nobody else does.
-- Parameters: schedules (names)
-- Result: id of each
-- State: unchanged, locked
-- (Ordered by id || '', the planner cannot walk the key of the table instead of looking up the schedules.)
-- Safe: waits for nobody. Whoever needs those that are left out must see that they are: see firing.py
SELECT id FROM {schema}.messages WHERE schedule = ANY (%(schedules)s::text[]) ORDER BY id || '' FOR UPDATE SKIP LOCKED
