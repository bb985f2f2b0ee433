-- Note what a delivery in hand reports of itself.
-- Parameters: :seq, :state, :worker, :started, :changed (NULL: as before), :history
-- Result: none
-- State: in hand -> in hand, under its own state
-- Safe: inside the write transaction that compared owner and fence
UPDATE runs
SET state = :state, worker = :worker, started = :started, changed = coalesce(:changed, changed), history = :history
WHERE seq = :seq AND phase = 1
