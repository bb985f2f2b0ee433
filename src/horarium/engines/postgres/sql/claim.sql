-- Give due messages to an owner. Each (queue, task, rank) is a line of its own in messages_line, sorted by due and turn:
-- heads hops from line to line, candidates reads the front of each, locked takes them in the order over all lines.
-- How far they are read (depth) is shared among them: read to the full each, 200 messages of 10 tasks cost 72 us of CPU
-- each and not 26, of 50 tasks 123 us and not 33.
-- Parameters: owner, queues, tasks (array or NULL: any), barred (tasks that have no room), careful (tasks that have a
--   limit), now, limit, per_line (how far a line is read, if it is the only
--   one; several share one and a half times as much), fresh (false: something was taken for this batch before, so no
--   suspect may join it), token (of this claim), durable (the synchronous_commit for messages that may be started only
--   once), relaxed (for all others)
-- Result: one row for each delivery, in order, or a single one without: name of the owner, the chosen durability, is_cut
--   (a line has more than was read), is_stopped (by one that
--   crashed or is bound), overdue (ids met on the way), is_bound
--   (what stopped it has a slot or a limit, which careful.py looks at), message, id, fence,
--   attempt, crashes. No row at all: the owner is not registered or was given up
-- State: waiting -> in hand, RECEIVED; attempt and fence one higher
-- (num_nulls(owner) = 1 says that it waits without tempting the planner to walk messages_line for it.)
-- Safe: rows are locked one by one in order, those locked by others are passed over, and what has changed since the
--   snapshot is looked at again under the lock. The cut keeps the order exact: no line is taken from beyond the point up
--   to which all lines were read. An owner that is given up at this moment may still get some: maintain takes them back.
WITH RECURSIVE holder AS MATERIALIZED (
    SELECT name FROM {schema}.owners WHERE owner = %(owner)s::text AND given_up IS NULL
),
heads (queue, task, rank, due, turn) AS (
    SELECT head.* FROM holder CROSS JOIN unnest(%(queues)s::text[]) AS asked (queue) CROSS JOIN LATERAL (
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
            WHERE m.owner IS NULL AND m.queue = lines.queue AND m.task = lines.task AND m.rank = lines.rank
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
    SELECT m.ctid AS tid, m.rank, m.due, m.turn, m.crashes, m.once,
        m.slot IS NOT NULL OR m.task = ANY (%(careful)s::text[]) AS is_bound
    FROM (SELECT * FROM in_line WHERE NOT is_overdue ORDER BY rank, due, turn) AS c
    JOIN {schema}.messages AS m ON m.ctid = c.tid
    WHERE num_nulls(m.owner) = 1
    ORDER BY c.rank, c.due, c.turn LIMIT %(limit)s::bigint
    FOR UPDATE OF m SKIP LOCKED
),
placed AS MATERIALIZED (SELECT *, row_number() OVER (ORDER BY rank, due, turn) AS place FROM locked),
suspect AS MATERIALIZED (SELECT * FROM placed WHERE crashes > 0 OR is_bound ORDER BY place LIMIT 1),
taken AS MATERIALIZED (
    SELECT * FROM placed
    WHERE NOT EXISTS (SELECT FROM suspect WHERE suspect.place <= placed.place)
        OR (%(fresh)s::boolean AND place = 1 AND crashes > 0 AND NOT is_bound)
),
last AS MATERIALIZED (
    SELECT rank, due, turn FROM (
        (SELECT rank, due, turn FROM placed WHERE place = %(limit)s::bigint)
        UNION ALL (SELECT rank, due, turn FROM suspect)
    ) AS ends ORDER BY rank, due, turn LIMIT 1
),
handed AS (
    UPDATE {schema}.messages AS m
    SET owner = %(owner)s::text, worker = holder.name, state = 'RECEIVED', changed = %(now)s::bigint,
        attempt = m.attempt + 1, fence = m.fence + 1, token = %(token)s::bigint
    FROM taken, holder WHERE m.ctid = taken.tid
    RETURNING taken.place, m.message, m.id, m.fence, m.attempt, m.crashes
)
SELECT holder.name,
    (SELECT set_config(
        'synchronous_commit',
        CASE WHEN EXISTS (SELECT FROM taken WHERE once) THEN %(durable)s::text ELSE %(relaxed)s::text END,
        true
    )),
    EXISTS (SELECT FROM cut),
    EXISTS (SELECT FROM suspect),
    (
        SELECT array_agg(c.id) FROM in_line AS c
        WHERE is_overdue AND NOT EXISTS (SELECT FROM last WHERE (c.rank, c.due, c.turn) > (last.rank, last.due, last.turn))
    ),
    EXISTS (SELECT FROM suspect WHERE is_bound),
    handed.message, handed.id, handed.fence, handed.attempt, handed.crashes
FROM holder LEFT JOIN handed ON true
ORDER BY handed.place
