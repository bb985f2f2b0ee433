-- Let a newer message take the place of one that waits.
-- Parameters: :seq, :queue, :task, :rank, :due, :expires, :once, :message, :phase (0 or -1), :slot, :slot_size, :uniq
-- Result: none
-- State: waiting or blocked -> waiting or blocked
-- Safe: inside the write transaction that found it waiting
UPDATE runs
SET phase = :phase, queue = :queue, task = :task, rank = :rank, due = :due, expires = :expires, once = :once,
    message = :message, slot = :slot, slot_size = :slot_size, uniq = :uniq
WHERE seq = :seq AND phase <= 0
