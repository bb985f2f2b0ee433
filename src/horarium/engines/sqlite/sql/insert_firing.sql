-- Note a firing, once for ever: for an automatic one the compare-and-set as well.
-- Parameters: :nominal, :kind, :name, :version, :expected (NULL: none); a manual one compares neither of the latter two
-- Result: none; one changed row if the schedule is there, the comparison holds and the firing is new
-- State: (unknown) -> fired
-- Safe: inside the write transaction that also moves next_fire on and puts the messages; the key decides
INSERT INTO firings (nominal, schedule, kind)
SELECT :nominal, id, :kind FROM schedules
WHERE name = :name AND (:kind = 'manual' OR version = :version AND next_fire IS :expected)
ON CONFLICT (nominal, schedule, kind) DO NOTHING
