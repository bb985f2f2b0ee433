-- Ask how many of its slot a message allows in hand.
-- Parameters: ?1 seq
-- Result: size
-- State: unchanged
-- Safe: inside a write transaction
SELECT slot_size FROM runs WHERE seq = ?1
