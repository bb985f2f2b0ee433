-- Let a blocked message wait in line, as it is now.
-- Parameters: ?1 seq, ?2 due, ?3 expires, ?4 now, ?5 message
-- Result: none
-- State: blocked -> waiting, PENDING; its turn stays
-- Safe: inside the write transaction in which the last one arrived
UPDATE runs SET phase = 0, due = ?2, expires = ?3, changed = ?4, message = ?5 WHERE seq = ?1 AND phase = -1
