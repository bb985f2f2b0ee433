-- Record successes of first attempts: the common road, one statement for all of them. The attempt is not written down a
-- second time; rows.py reads it from the columns.
-- Parameters: ids, owners, fences, marks (of the settlements), results, workers ('' for none), starteds, endeds, keeps
--   (ms or NULL), histories (their log lines, or NULL): arrays of one length, sorted by id, each id once; now; tells (whether schedules are to be told at once;
--   if not, the transaction does so at its end)
-- Result: id, NULL, NULL of each that was recorded (the others are not in these hands, or have a history,
--   a slot or a unique key); id, schedule,
--   nominal of each that a schedule has fired; NULL, schedule, NULL of each schedule that was held and is no more
-- State: in hand -> ended, SUCCESS; its schedule is told as by tell_schedules.sql
-- (Rows are reached by ctid, and found by id in a LATERAL: joined by id, a table that was analysed while it was empty is
-- read from end to end, for ever.)
-- (IS NOT DISTINCT FROM keeps the planner from looking through all that an owner holds, once for each.)
-- Safe: owner and fence are compared under the lock of the row that is moved. A run of this id that record() stored
--   meanwhile stays. A message that was touched since the snapshot is left to those who look again: see news.py
WITH told AS MATERIALIZED (
    SELECT told.*, held.tid FROM unnest(
        %(ids)s::text[], %(owners)s::text[], %(fences)s::integer[], %(marks)s::bigint[], %(results)s::text[],
        %(workers)s::text[], %(starteds)s::bigint[], %(endeds)s::bigint[], %(keeps)s::bigint[],
        %(histories)s::text[]
    ) AS told (id, owner, fence, mark, result, worker, started, ended, keep, history)
    CROSS JOIN LATERAL (SELECT m.ctid AS tid FROM {schema}.messages AS m WHERE m.id = told.id OFFSET 0) AS held
),
gone AS (
    DELETE FROM {schema}.messages AS m USING told
    WHERE m.ctid = told.tid AND m.owner IS NOT DISTINCT FROM told.owner AND m.fence = told.fence AND m.history IS NULL
        AND m.slot IS NULL AND NOT m.uniq
    RETURNING m.id, m.turn, m.queue, m.task, m.attempt, told.mark, m.cancel, m.schedule, m.nominal, m.parent, m.root,
        m.created, coalesce(nullif(told.worker, ''), m.worker) AS worker, told.started, told.ended, told.keep, m.message,
        told.result, told.history
),
kept AS (
    INSERT INTO {schema}.runs
        (id, turn, queue, task, state, attempt, settled, cancel, schedule, parent, root, created, worker, started, ended,
        changed, keep, message, result, history)
    SELECT id, turn, queue, task, 'SUCCESS', attempt, mark, cancel, schedule, parent, root, created, worker, started, ended,
        %(now)s::bigint, keep, message, result, history
    FROM gone
    ON CONFLICT (id) DO NOTHING
    RETURNING id
),
fired AS MATERIALIZED (
    SELECT schedule, max(nominal) AS nominal FROM gone WHERE %(tells)s::boolean AND schedule IS NOT NULL GROUP BY schedule
),
stands AS MATERIALIZED (
    SELECT fired.nominal, s.name, s.id, s.owner, s.active, s.version, s.total_runs, s.missed, s.token, s.held
    FROM (SELECT * FROM fired ORDER BY schedule OFFSET 0) AS fired
    CROSS JOIN LATERAL (
        SELECT s.name, s.id, s.owner, s.active, s.version, s.total_runs, s.missed, s.token, s.held
        FROM {schema}.schedules AS s WHERE s.name = fired.schedule FOR UPDATE
    ) AS s
),
news AS (
    INSERT INTO {schema}.schedules AS s
        (name, id, owner, active, version, total_runs, missed, token, record, succeeded, ended)
    SELECT name, id, owner, active, version, total_runs, missed, token, '', nominal, %(now)s::bigint FROM stands
    ON CONFLICT (name) DO UPDATE
    SET succeeded = greatest(s.succeeded, excluded.succeeded), ended = greatest(s.ended, excluded.ended), held = false,
        failures = 0
)
SELECT id, NULL::text, NULL::bigint FROM kept
UNION ALL SELECT id, schedule, nominal FROM gone WHERE schedule IS NOT NULL
UNION ALL SELECT NULL, name, NULL FROM stands WHERE held
