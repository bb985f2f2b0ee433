-- Move a schedule on after an automatic firing that won.
-- Parameters: :name, :next_fire, :missed, :last_fire
-- Result: none
-- State: next_fire as given, total_runs one higher, last_fire the nominal instant
-- Safe: inside the write transaction in which insert_firing.sql has compared
UPDATE schedules
SET next_fire = :next_fire, missed = missed + :missed, total_runs = total_runs + 1, last_fire = :last_fire
WHERE name = :name
