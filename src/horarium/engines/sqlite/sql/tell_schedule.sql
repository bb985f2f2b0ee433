-- Tell a schedule of the end of one of its runs. Asked for :held = 0 first: a schedule that is held is rare, and only then
-- somebody must be woken.
-- Parameters: :name, :now, :nominal (of a success, or NULL), :has_succeeded, :has_failed (0 or 1), :held (0 or 1)
-- Result: none; one changed row, or none if there is no such schedule
-- State: any, held as :held says -> not held; ended and succeeded never go backwards
-- Safe: inside the write transaction that ends the run
UPDATE schedules
SET ended = max(coalesce(ended, :now), :now), succeeded = coalesce(max(succeeded, :nominal), succeeded, :nominal),
    failures = CASE WHEN :has_succeeded THEN 0 ELSE failures + :has_failed END, held = 0
WHERE name = :name AND held = :held
