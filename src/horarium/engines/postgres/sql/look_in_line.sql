-- Look at due messages, in the order of claims, and hold them: the careful way, by which somebody decides about each. The
-- front of the lines is found as in claim.sql.
-- Parameters: queues, tasks (array or NULL: any), barred (tasks that have no room), passed (keys of slots of which it cannot
--   be told), now, limit, per_line
-- Result: one row for each, in order, or a single one without: is_cut (a line has more than was read), id, task, crashes,
--   once, slot, slot_size, is_overdue
-- State: unchanged, locked, but for the overdue ones
-- Safe: behind lock_room.sql. Rows are locked one by one in order, those locked by others are passed over; see claim.sql
WITH RECURSIVE heads (queue, task, rank, due, turn) AS (
    SELECT head.* FROM unnest(%(queues)s::text[]) AS asked (queue) CROSS JOIN LATERAL (
        SELECT m.queue, m.task, m.rank, m.due, m.turn FROM {schema}.messages AS m
        WHERE m.owner IS NULL AND m.queue = asked.queue
        ORDER BY m.task, m.rank, m.due, m.turn LIMIT 1
    ) AS head
    UNION ALL
    SELECT next.* FROM heads CROSS JOIN LATERAL (
        SELECT m.queue, m.task, m.rank, m.due, m.turn FROM {schema}.messages AS m
        WHERE m.owner IS NULL AND m.queue = heads.queue AND (m.task, m.rank) > (heads.task, heads.rank)
        ORDER BY m.task, m.rank, m.due, m.turn LIMIT 1
    ) AS next
),
lines AS MATERIALIZED (
    SELECT * FROM heads
    WHERE due <= %(now)s::bigint AND (%(tasks)s::text[] IS NULL OR task = ANY (%(tasks)s::text[]))
        AND task <> ALL (%(barred)s::text[])
),
depth AS MATERIALIZED (
    SELECT CASE WHEN count(*) < 2 THEN %(per_line)s::bigint ELSE %(per_line)s::bigint * 3 / (2 * count(*)) + 8 END AS depth
    FROM lines
),
candidates AS MATERIALIZED (
    SELECT front.* FROM lines CROSS JOIN LATERAL (
        SELECT m.*, row_number() OVER () AS nth FROM (
            SELECT m.ctid AS tid, m.id, m.rank, m.due, m.turn, coalesce(m.expires <= %(now)s::bigint, false) AS is_overdue
            FROM {schema}.messages AS m
            WHERE (m.slot IS NULL OR m.slot <> ALL (%(passed)s::text[]))
                AND m.owner IS NULL AND m.queue = lines.queue AND m.task = lines.task AND m.rank = lines.rank
                AND (m.due, m.turn) >= (lines.due, lines.turn) AND m.due <= %(now)s::bigint
            ORDER BY m.due, m.turn LIMIT (SELECT depth FROM depth)
        ) AS m
    ) AS front
),
cut AS MATERIALIZED (
    SELECT rank, due, turn FROM candidates WHERE nth = (SELECT depth FROM depth) ORDER BY rank, due, turn LIMIT 1
),
in_line AS MATERIALIZED (
    SELECT * FROM candidates AS c
    WHERE NOT EXISTS (SELECT FROM cut WHERE (c.rank, c.due, c.turn) > (cut.rank, cut.due, cut.turn))
    ORDER BY rank, due, turn
),
locked AS MATERIALIZED (
    SELECT m.id, m.task, m.crashes, m.once, m.slot, m.slot_size, m.rank, m.due, m.turn
    FROM (SELECT * FROM in_line WHERE NOT is_overdue ORDER BY rank, due, turn) AS c
    JOIN {schema}.messages AS m ON m.ctid = c.tid
    WHERE num_nulls(m.owner) = 1
    ORDER BY c.rank, c.due, c.turn LIMIT %(limit)s::bigint
    FOR UPDATE OF m SKIP LOCKED
),
met AS (
    SELECT id, task, crashes, once, slot, slot_size, false AS is_overdue, rank, due, turn FROM locked
    UNION ALL SELECT id, '', 0, false, NULL, NULL, true, rank, due, turn FROM in_line WHERE is_overdue
)
SELECT EXISTS (SELECT FROM cut) OR (SELECT count(*) FROM locked) >= %(limit)s::bigint,
    met.id, met.task, met.crashes, met.once, met.slot, met.slot_size, met.is_overdue
FROM (SELECT true) AS one LEFT JOIN met ON true
ORDER BY met.rank, met.due, met.turn
