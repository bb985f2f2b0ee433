-- List runs, the latest created first. {conditions} is filled in by results.py from a fixed list. Every index of runs ends
-- in created and turn, so whichever the planner takes yields them in this order; a page reads only as far as it goes.
-- Parameters: those of the conditions; limit
-- Result: created, turn, then the columns of rows.to_run
-- State: unchanged
-- Safe: one statement, one snapshot; created and turn never change, so no run is on two pages
SELECT * FROM (
    (
        SELECT created, turn, id, false, state, task, queue, created, attempt, cancel, worker, started, NULL::bigint, changed, message, NULL::text, history
        FROM {schema}.messages WHERE {conditions} ORDER BY created DESC, turn DESC LIMIT %(limit)s::bigint
    )
    UNION ALL
    (
        SELECT created, turn, id, true, state, task, queue, created, attempt, cancel, worker, started, ended, changed, message, result, history
        FROM {schema}.runs WHERE {conditions} ORDER BY created DESC, turn DESC LIMIT %(limit)s::bigint
    )
) AS found ORDER BY 1 DESC, 2 DESC LIMIT %(limit)s::bigint
