-- Count a firing that won.
-- Parameters: :name, :last_fire (NULL: as before)
-- Result: none
-- State: total_runs one higher
-- Safe: inside the write transaction that fired
UPDATE schedules SET total_runs = total_runs + 1, last_fire = coalesce(:last_fire, last_fire) WHERE name = :name
