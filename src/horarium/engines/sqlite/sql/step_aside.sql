-- Let a message wait outside of its line until its slot has room.
-- Parameters: ?1 seq
-- Result: none
-- State: waiting -> aside
-- Safe: inside the write transaction that found its slot full
UPDATE runs SET phase = -2 WHERE seq = ?1 AND phase = 0
