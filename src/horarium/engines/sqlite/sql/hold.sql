-- Let a schedule wait for the end of one of its runs.
-- Parameters: :name
-- Result: none
-- State: due -> held
-- Safe: inside the write transaction that counted the runs which have not ended: an end comes before it, or finds it held
UPDATE schedules SET held = 1 WHERE name = :name
