-- List messages that have not ended, in the order of claims; blocked ones by put. {phase} is the condition of the phase
-- (in hand, waiting, blocked), written into the text, since only so the partial index of that phase, {index}, can be used. {schedule} is the condition
-- that they are a schedule's, which has an index of its own, or TRUE.
-- Parameters: :rank, :due, :turn (the place of the last one seen, or NULL), :since, :until (seq), :states, :tasks,
--   :queues (JSON arrays or NULL), :schedule, :parent, :root, :prefix (or NULL), :limit
-- Result: rank, due, turn (of the place in the listing), due, id, task, queue, created, state, owner, fence, attempt, crashes, message
-- State: unchanged
-- Safe: one statement, one snapshot; without a schedule it walks all messages of the phase, which only people's questions may
SELECT {rank}, {due}, turn, due, id, task, queue, seq >> 20, state, owner, fence, attempt, crashes, message
FROM runs
WHERE seq IN (
    SELECT seq FROM runs INDEXED BY {index}
    WHERE {phase}
        AND (:rank IS NULL OR ({rank}, {due}, turn) > (:rank, :due, :turn)) AND +seq >= :since AND +seq < :until
        AND (:states IS NULL OR +state IN (SELECT value FROM json_each(:states)))
        AND (:tasks IS NULL OR +task IN (SELECT value FROM json_each(:tasks)))
        AND (:queues IS NULL OR +queue IN (SELECT value FROM json_each(:queues)))
        AND {schedule}
        AND (:parent IS NULL OR +parent = :parent)
        AND (:root IS NULL OR +root = :root)
        AND (:prefix IS NULL OR substr(+id, 1, length(:prefix)) = :prefix)
    ORDER BY {rank}, {due}, turn
    LIMIT :limit
)
ORDER BY {rank}, {due}, turn
