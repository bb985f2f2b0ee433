-- Find what schedules have fired and has not ended.
-- Parameters: schedules (names), mosts (no more than so many of each): arrays of one length
-- Result: schedule, id
-- State: unchanged
-- Safe: sent behind the statement that has locked the schedules, so with a newer snapshot. Who has ended a run that is
--   still seen here has yet to lock its schedule, and will find what we write there: see news.py
SELECT told.name, active.id
FROM unnest(%(schedules)s::text[], %(mosts)s::bigint[]) AS told (name, most)
CROSS JOIN LATERAL (
    SELECT m.id FROM {schema}.messages AS m WHERE m.schedule = told.name LIMIT greatest(told.most, 0)
) AS active
