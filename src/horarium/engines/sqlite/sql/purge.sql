-- End waiting messages as REVOKED, all of them in one step.
-- Parameters: :now, :history (the error, as every one of them gets it), :queues (JSON array, or NULL for all)
-- Result: id, schedule and message of each
-- State: waiting, without a history or a slot or a unique key -> ended, REVOKED
-- Safe: one statement inside a write transaction; those in hand are not touched
UPDATE runs SET phase = 2, state = 'REVOKED', ended = :now, changed = :now, result = NULL, history = :history
WHERE phase = 0 AND history IS NULL AND slot IS NULL AND uniq = 0 AND (:queues IS NULL OR queue IN (SELECT value FROM json_each(:queues)))
RETURNING id, schedule, message
