-- Store an ended run of another store's, in place of an ended one that is known here.
-- Parameters: :seq, :id, :state, :queue, :task, :rank, :due, :expires, :once, :attempt, :cancel, :schedule, :parent,
--   :root, :worker, :started, :ended, :changed, :keep (ms after :changed), :message, :result, :history
-- Result: none; one changed row, or none if the id waits or is in hand here
-- State: (unknown) or ended -> ended; others stay
-- Safe: inside a write transaction; the same record made twice leaves one row. It keeps its place in listings, unless
--   the moment of its creation is another one
INSERT INTO runs
    (seq, id, phase, state, queue, task, rank, due, turn, expires, once, attempt, cancel, schedule, parent, root,
     worker, started, ended, changed, keep, message, result, history)
VALUES (:seq, :id, 2, :state, :queue, :task, :rank, :due, 0, :expires, :once, :attempt, :cancel, :schedule, :parent,
    :root, :worker, :started, :ended, :changed, :keep, :message, :result, :history)
ON CONFLICT (id) DO UPDATE
SET seq = CASE WHEN seq >> 20 = excluded.seq >> 20 THEN seq ELSE excluded.seq END,
    state = excluded.state, queue = excluded.queue, task = excluded.task, rank = excluded.rank, due = excluded.due,
    expires = excluded.expires, once = excluded.once, attempt = excluded.attempt, settled = NULL,
    cancel = excluded.cancel, schedule = excluded.schedule, parent = excluded.parent, root = excluded.root,
    worker = excluded.worker, started = excluded.started, ended = excluded.ended, changed = excluded.changed,
    keep = excluded.keep, message = excluded.message, result = excluded.result, history = excluded.history
WHERE phase = 2
