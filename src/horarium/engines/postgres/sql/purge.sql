-- End waiting messages as REVOKED, all of them in one step.
-- Parameters: now, history (the error, as every one of them gets it), queues (array, or NULL for all)
-- Result: id, NULL, message (where somebody waits for it) of each; NULL, schedule, NULL of each schedule that has fired
--   some of them
-- State: waiting in line, without a history, slot or unique key -> ended, REVOKED
-- Safe: one statement; those in hand, or being claimed at this moment, are not touched
WITH gone AS (
    DELETE FROM {schema}.messages
    WHERE owner IS NULL AND history IS NULL AND slot IS NULL AND NOT uniq
        AND (%(queues)s::text[] IS NULL OR queue = ANY (%(queues)s::text[]))
    RETURNING *
),
kept AS (
    INSERT INTO {schema}.runs
        (id, turn, queue, task, state, attempt, settled, cancel, schedule, parent, root, created, worker, started, ended,
        changed, keep, message, history)
    SELECT id, turn, queue, task, 'REVOKED', attempt, settled, cancel, schedule, parent, root, created, worker, started,
        %(now)s::bigint, %(now)s::bigint, keep, message, %(history)s::text
    FROM gone
    ON CONFLICT (id) DO NOTHING
    RETURNING id, CASE WHEN strpos(message, '"joins":') > 0 THEN message END AS message
)
SELECT id, NULL::text, message FROM kept
UNION ALL SELECT DISTINCT NULL, schedule, NULL FROM gone WHERE schedule IS NOT NULL
