-- Let a message in hand wait again; its message may have been replaced.
-- Parameters: :seq, :state, :settled, :attempt, :crashes, :now, :keep, :history, :due, :queue, :task, :rank, :expires,
--   :once, :schedule, :parent, :root, :message, :phase (0 or -1), :slot, :slot_size
-- Result: none
-- State: in hand -> waiting or blocked, PENDING or RETRY; its turn stays
-- Safe: inside the write transaction that looked at it
UPDATE runs
SET phase = :phase, state = :state, owner = NULL, settled = :settled, attempt = :attempt, crashes = :crashes, worker = '',
    started = NULL, changed = :now, keep = :keep, history = :history, due = :due, queue = :queue, task = :task,
    rank = :rank, expires = :expires, once = :once, schedule = :schedule, parent = :parent, root = :root,
    message = :message, slot = :slot, slot_size = :slot_size
WHERE seq = :seq AND phase = 1
