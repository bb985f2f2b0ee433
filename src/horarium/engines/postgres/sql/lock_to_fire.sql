-- Read of schedules what a firing needs, and hold them.
-- Parameters: names
-- Result: the columns of firing.Stand
-- State: unchanged, locked
-- Safe: locked in the order of names, as everybody does, inside the transaction that fires them. Of several schedulers
--   one after the other comes here, and reads what those before it have committed
SELECT name, id, version, token, next_fire, last_fire, total_runs, missed, skipped, held, ended
FROM {schema}.schedules WHERE name = ANY (%(names)s::text[]) ORDER BY name FOR UPDATE
