-- Find who may come back into line for slots in which there is room now: of those that stand aside for a key the first of
-- each queue and task that nobody else has locked; and hold them.
-- Parameters: keys
-- Result: slot, id of each; id NULL for a queue and task all of whom others have locked: see lock_aside.sql
-- State: unchanged, locked
-- Safe: sent behind the statements by which a message has left a hand, or its line, and under its lock. A claim that lets
--   one stand aside holds those in hand: it has committed, and is seen here, or it waits, and finds room. Two who
--   leave at once take two different ones, and neither waits for the other
WITH RECURSIVE lines AS (
    SELECT first.* FROM (SELECT DISTINCT told.key FROM unnest(%(keys)s::text[]) AS told (key)) AS told
    CROSS JOIN LATERAL (
        SELECT m.slot, m.queue, m.task FROM {schema}.messages AS m
        WHERE m.owner = ' slot' AND m.slot = told.key ORDER BY m.queue, m.task LIMIT 1
    ) AS first
    UNION ALL
    SELECT next.* FROM lines CROSS JOIN LATERAL (
        SELECT m.slot, m.queue, m.task FROM {schema}.messages AS m
        WHERE m.owner = ' slot' AND m.slot = lines.slot AND (m.queue, m.task) > (lines.queue, lines.task)
        ORDER BY m.queue, m.task LIMIT 1
    ) AS next
)
SELECT line.slot, first.id FROM (SELECT * FROM lines ORDER BY slot, queue, task OFFSET 0) AS line
LEFT JOIN LATERAL (
    SELECT m.id FROM {schema}.messages AS m
    WHERE m.owner = ' slot' AND m.slot = line.slot AND m.queue = line.queue AND m.task = line.task
    ORDER BY m.rank, m.due, m.turn LIMIT 1 FOR UPDATE SKIP LOCKED
) AS first ON true
