-- Find the first waiting message of every task and rank of a queue, by hopping through runs_waiting: one or two index
-- seeks each, however many messages wait. The next rank of the same task comes first, else the next task. (One hop with
-- (task, rank) > (...) reads better, but SQLite then seeks by task alone and walks through all of its messages.)
-- Parameters: :queue
-- Result: task, rank, due, turn of the earliest message of each pair
-- State: unchanged
-- Safe: reads one snapshot; inside a write transaction nothing moves before it ends
WITH RECURSIVE heads (seq) AS (
    SELECT (
        SELECT seq FROM runs WHERE phase = 0 AND queue = :queue ORDER BY task, rank, due, turn LIMIT 1
    )
    UNION ALL
    SELECT coalesce(
        (
            SELECT seq FROM runs AS later
            WHERE later.phase = 0 AND later.queue = :queue AND later.task = head.task AND later.rank > head.rank
            ORDER BY later.rank, later.due, later.turn LIMIT 1
        ),
        (
            SELECT seq FROM runs AS later
            WHERE later.phase = 0 AND later.queue = :queue AND later.task > head.task
            ORDER BY later.task, later.rank, later.due, later.turn LIMIT 1
        )
    )
    FROM heads JOIN runs AS head ON head.seq = heads.seq
)
SELECT runs.task, runs.rank, runs.due, runs.turn FROM heads JOIN runs ON runs.seq = heads.seq
