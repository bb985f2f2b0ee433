-- Count an automatic firing that won.
-- Parameters: :name, :last_fire
-- Result: none
-- State: total_runs one higher, last_fire the nominal instant
-- Safe: inside the write transaction that fired
UPDATE schedules SET total_runs = total_runs + 1, last_fire = :last_fire WHERE name = :name
