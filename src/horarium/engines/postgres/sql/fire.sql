-- Fire many schedules: the compare-and-set, the unique firing and the counts, one statement for all of them.
-- Parameters: names, versions, expecteds (NULL: none), nominals (NULL: nothing is sent), next_fires, misseds, tokens (of
--   the firings): arrays of one length, each name once
-- Result: token of each for which the comparison holds, and whether its firing is new
-- State: next_fire expected -> next_fire; (unknown) -> fired, and total_runs one higher; a nominal that was fired before
--   moves next_fire on all the same, or it would stand still for ever
-- (Rows are reached by ctid, and found by name in a LATERAL: see settle_success.sql. IN makes a hash table of what is
-- new; with a LEFT JOIN, for which the planner foresees few rows, 1,000 firings were compared with one another: 220 ms.)
-- Safe: the rows are held (hold_schedules.sql, in the same transaction), so what is compared here stays so; the key of
--   firings decides
WITH told AS MATERIALIZED (
    SELECT told.*, held.tid, held.id FROM unnest(
        %(names)s::text[], %(versions)s::bigint[], %(expecteds)s::bigint[], %(nominals)s::bigint[],
        %(next_fires)s::bigint[], %(misseds)s::bigint[], %(tokens)s::bigint[]
    ) AS told (name, version, expected, nominal, next_fire, missed, token)
    CROSS JOIN LATERAL (
        SELECT s.ctid AS tid, s.id FROM {schema}.schedules AS s
        WHERE s.name = told.name AND s.version = told.version AND s.next_fire IS NOT DISTINCT FROM told.expected
        OFFSET 0
    ) AS held
),
noted AS (
    INSERT INTO {schema}.firings (nominal, schedule, kind, token)
    SELECT nominal, id, 'auto', token FROM told WHERE nominal IS NOT NULL
    ON CONFLICT (nominal, schedule, kind) DO NOTHING
    RETURNING token
)
UPDATE {schema}.schedules AS s
SET next_fire = told.next_fire, missed = s.missed + told.missed, token = told.token,
    total_runs = s.total_runs + told.is_new::integer,
    last_fire = CASE WHEN told.is_new THEN told.nominal ELSE s.last_fire END
FROM (SELECT told.*, token IN (SELECT token FROM noted) AS is_new FROM told OFFSET 0) AS told
WHERE s.ctid = told.tid
RETURNING told.token, told.is_new
