-- Store a message that waits for its first start.
-- Parameters: ?1 seq, ?2 id, ?3 queue, ?4 task, ?5 rank (the priority, negated), ?6 due, ?7 turn, ?8 expires, ?9 once,
--   ?10 schedule, ?11 parent, ?12 root, ?13 now, ?14 message (JSON), ?15 phase, ?16 slot, ?17 slot_size, ?18 uniq
-- Result: none; one changed row if the id is new, none if it is known
-- State: (unknown) -> waiting (phase 0) or blocked (-1), PENDING; a known id stays as it is
-- Safe: inside a write transaction; the unique id decides, so the same put twice stores once
INSERT INTO runs
    (seq, id, phase, state, queue, task, rank, due, turn, expires, once, schedule, parent, root, changed, message,
     slot, slot_size, uniq)
VALUES (?1, ?2, ?15, 'PENDING', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?16, ?17, ?18)
ON CONFLICT (id) DO NOTHING
