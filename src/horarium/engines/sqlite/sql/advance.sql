-- Move a schedule on to its next firing: the compare-and-set.
-- Parameters: :name, :version, :expected (NULL: none), :next_fire, :missed
-- Result: id, if the comparison holds
-- State: next_fire expected -> next_fire
-- Safe: one statement inside a write transaction: of several schedulers one finds what it expects
UPDATE schedules SET next_fire = :next_fire, missed = missed + :missed
WHERE name = :name AND version = :version AND next_fire IS :expected
RETURNING id
