-- Tell a schedule that is not held of the end of one of its runs. It does not name the column that says so: writing it,
-- even with the same value, costs the due index an entry taken out and put in again.
-- Parameters: ?1 name, ?2 now, ?3 nominal (of a success, or NULL), ?4 has succeeded, ?5 has failed (0 or 1)
-- Result: none; one changed row, or none if it is held or there is none
-- State: any; ended and succeeded never go backwards
-- Safe: inside the write transaction that ends the run
UPDATE schedules
SET ended = max(coalesce(ended, ?2), ?2), succeeded = coalesce(max(succeeded, ?3), succeeded, ?3),
    failures = CASE WHEN ?4 THEN 0 ELSE failures + ?5 END
WHERE name = ?1 AND held = 0
