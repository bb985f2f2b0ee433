-- Let a message that stands aside wait in its old place.
-- Parameters: ?1 seq
-- Result: none
-- State: aside -> waiting
-- Safe: inside the write transaction in which one of the slot has left
UPDATE runs SET phase = 0 WHERE seq = ?1 AND phase = -2
