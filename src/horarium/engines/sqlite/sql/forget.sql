-- Remove a run that has ended.
-- Parameters: :id
-- Result: none; the changed rows are those removed
-- State: ended -> (unknown); others stay
-- Safe: one statement inside a write transaction
DELETE FROM runs WHERE id = :id AND phase = 2
