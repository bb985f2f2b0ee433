-- Count what is in hand of tasks.
-- Parameters: tasks
-- Result: task, number
-- State: unchanged
-- Safe: exact behind lock_room.sql, otherwise a hint
SELECT task, count(*) FROM {schema}.messages
WHERE owner > ' slot' AND task = ANY (%(tasks)s::text[]) GROUP BY task
