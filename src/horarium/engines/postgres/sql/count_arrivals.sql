-- Count what has arrived at gates since the last time, each arrival once.
-- Parameters: ids
-- Result: id, number of each gate that is open now
-- State: blocked -> blocked, with everything counted
-- (Rows are reached by ctid, and found by key in a LATERAL: see end.sql.)
-- Safe: sent behind the statements that lock the gates, so with a snapshot that sees all who have committed before. Of two
--   who arrive last at the same time the later one comes here second, and sees both
WITH here AS MATERIALIZED (
    SELECT gate.* FROM (SELECT DISTINCT told.id FROM unnest(%(ids)s::text[]) AS told (id)) AS told
    CROSS JOIN LATERAL (
        SELECT g.ctid AS tid, g.id, g.number, g.size + g.widened AS awaited, g.arrived
        FROM {schema}.gates AS g WHERE g.id = told.id OFFSET 0
    ) AS gate
),
fresh AS MATERIALIZED (
    SELECT a.tid FROM here CROSS JOIN LATERAL (
        SELECT a.ctid AS tid FROM {schema}.arrivals AS a WHERE a.gate = here.number AND a.is_new OFFSET 0
    ) AS a
),
counted AS (
    UPDATE {schema}.arrivals AS a SET is_new = false FROM fresh WHERE a.ctid = fresh.tid RETURNING a.gate
),
sums AS MATERIALIZED (SELECT gate, count(*) AS arrived FROM counted GROUP BY gate),
added AS MATERIALIZED (
    SELECT here.tid, sums.arrived FROM here JOIN sums ON sums.gate = here.number
),
noted AS (
    UPDATE {schema}.gates AS g SET arrived = g.arrived + added.arrived FROM added WHERE g.ctid = added.tid
)
SELECT here.id, here.number FROM here LEFT JOIN sums ON sums.gate = here.number
WHERE here.arrived + coalesce(sums.arrived, 0) >= here.awaited
