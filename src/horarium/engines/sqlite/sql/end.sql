-- End a message.
-- Parameters: :seq, :state, :settled, :attempt, :crashes, :worker, :started, :ended, :now, :keep, :result, :history,
--   :message (NULL: as it is)
-- Result: none
-- State: waiting, blocked or in hand -> ended
-- Safe: inside the write transaction that looked at it
UPDATE runs
SET phase = 2, state = :state, owner = NULL, settled = :settled, attempt = :attempt, crashes = :crashes,
    worker = :worker, started = :started, ended = :ended, changed = :now, keep = :keep, result = :result,
    history = :history, message = coalesce(:message, message)
WHERE seq = :seq AND phase < 2
