-- List messages that have not ended: those in hand, those in line in the order of claims, the blocked ones by put.
-- {conditions} is filled in by inspector.py from a fixed list.
-- Parameters: those of the conditions; limit
-- Result: place (0: in hand, 1: in line, 2: blocked), rank, due, turn in the listing; due, id, task, queue, created, state,
--   owner, fence, attempt, crashes, message
-- State: unchanged
-- Safe: one statement, one snapshot; it walks all messages that have not ended, which only people's questions may
SELECT place, shown_rank, shown_due, turn, due, id, task, queue, created, state, owner, fence, attempt, crashes, message
FROM (
    SELECT stand.place, CASE WHEN place = 2 THEN 0 ELSE rank END AS shown_rank,
        CASE WHEN place = 2 THEN 0 ELSE m.due END AS shown_due, turn, m.due, id, task, queue, created, state, owner, fence,
        attempt, crashes, message, schedule, parent, root
    FROM {schema}.messages AS m CROSS JOIN LATERAL (
        SELECT CASE WHEN m.owner IS NULL THEN 1 WHEN m.owner IN (' gate', ' slot') THEN 2 ELSE 0 END AS place
    ) AS stand
) AS listed WHERE {conditions}
ORDER BY place, shown_rank, shown_due, turn LIMIT %(limit)s::bigint
