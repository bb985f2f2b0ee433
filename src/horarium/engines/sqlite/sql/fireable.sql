-- Look up the schedule of a firing: the comparison of the compare-and-set.
-- Parameters: :name, :by_hand (1: any version will do), :version, :expected (NULL: none)
-- Result: id, if the comparison holds
-- State: unchanged
-- Safe: inside the write transaction that fires: of several schedulers one finds what it expects
SELECT id FROM schedules WHERE name = :name AND (:by_hand OR (version = :version AND next_fire IS :expected))
