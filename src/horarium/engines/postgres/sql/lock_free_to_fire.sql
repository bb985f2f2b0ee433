-- Read of schedules what a firing needs, and hold them, as far as nobody else does.
-- Parameters: names
-- Result: the columns of firing.Stand
-- State: unchanged, locked
-- Safe: waits for nobody, inside the transaction that fires them. Those that are left out are asked for once more by
--   lock_to_fire.sql: see firing.py
SELECT name, id, version, token, next_fire, last_fire, total_runs, missed, skipped, held, ended
FROM {schema}.schedules WHERE name = ANY (%(names)s::text[]) ORDER BY name FOR UPDATE SKIP LOCKED
