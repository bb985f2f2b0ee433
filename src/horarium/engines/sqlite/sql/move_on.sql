-- Move a schedule on to its next firing, and count what became of this one.
-- Parameters: :name, :next_fire, :missed, :skipped, :sent, :newest (the newest nominal instant that is sent, or NULL)
-- Result: none
-- State: next_fire expected -> next_fire, not held; last_fire never goes backwards
-- Safe: inside the write transaction that compared what was expected
UPDATE schedules
SET next_fire = :next_fire, missed = missed + :missed, skipped = skipped + :skipped, held = 0,
    total_runs = total_runs + :sent, last_fire = coalesce(max(last_fire, :newest), last_fire, :newest)
WHERE name = :name
