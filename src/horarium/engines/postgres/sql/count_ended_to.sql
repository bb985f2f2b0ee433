-- Count ended runs by state, up to a number. The states but SUCCESS are looked up in their index, which is then read only as
-- far as is counted. Successes have none: they are most of the runs, so as many are soon met anywhere in the table. (Where
-- few of very many runs succeed, it is read from end to end, as count_ended.sql does.)
-- Parameters: most
-- Result: state, number (most at the most)
-- State: unchanged
-- Safe: in one transaction with count_messages.sql, under one snapshot
WITH RECURSIVE known (state) AS (
    (SELECT state FROM {schema}.runs WHERE state <> 'SUCCESS' ORDER BY state LIMIT 1)
    UNION ALL
    SELECT (
        SELECT r.state FROM {schema}.runs AS r WHERE r.state <> 'SUCCESS' AND r.state > known.state
        ORDER BY r.state LIMIT 1
    ) FROM known WHERE known.state IS NOT NULL
)
SELECT known.state, counted.number FROM known CROSS JOIN LATERAL (
    SELECT count(*) AS number FROM (
        SELECT FROM {schema}.runs AS r WHERE r.state = known.state AND r.state <> 'SUCCESS' LIMIT %(most)s::bigint
    ) AS few
) AS counted WHERE known.state IS NOT NULL
UNION ALL
SELECT 'SUCCESS', count(*) FROM (SELECT FROM {schema}.runs AS r WHERE r.state = 'SUCCESS' LIMIT %(most)s::bigint) AS few
