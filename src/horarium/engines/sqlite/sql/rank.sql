-- Give a message that waits another priority; one that stands aside is back in line.
-- Parameters: ?1 seq, ?2 rank (the priority, negated), ?3 message
-- Result: none
-- State: waiting or blocked -> waiting, or blocked by its gate; its due and its turn stay
-- Safe: inside the write transaction that found it waiting
UPDATE runs SET phase = CASE phase WHEN -2 THEN 0 ELSE phase END, rank = ?2, message = ?3 WHERE seq = ?1 AND phase <= 0
