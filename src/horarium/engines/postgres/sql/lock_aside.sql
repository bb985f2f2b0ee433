-- Find who may come back into line for slots, as lock_free_aside.sql does, waiting for whoever has locked them: he may let go
-- of them unchanged, and then nobody else would let them back.
-- Parameters: keys
-- Result: slot, id of each
-- State: unchanged, locked
-- Safe: see lock_free_aside.sql. A row that has changed meanwhile is passed over for the next in line
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
CROSS JOIN LATERAL (
    SELECT m.id FROM {schema}.messages AS m
    WHERE m.owner = ' slot' AND m.slot = line.slot AND m.queue = line.queue AND m.task = line.task
    ORDER BY m.rank, m.due, m.turn LIMIT 1 FOR UPDATE
) AS first
