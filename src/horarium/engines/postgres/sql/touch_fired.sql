-- Write what schedules have fired and has not ended anew, unchanged, so that a statement whose snapshot is older (and
-- which cannot see a schedule that we are about to create) finds that it has to look again.
-- Parameters: schedules (names)
-- Result: none
-- State: unchanged
-- Safe: sent behind lock_fired.sql, with a newer snapshot: what is seen here is ours
UPDATE {schema}.messages SET token = token WHERE schedule = ANY (%(schedules)s::text[])
