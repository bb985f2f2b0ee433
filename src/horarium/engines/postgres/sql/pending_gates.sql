-- Find gates at which something has arrived that was not counted: somebody ended before he could do so.
-- Parameters: limit
-- Result: id of each
-- State: unchanged
-- Safe: a hint; whoever counts locks them
SELECT DISTINCT g.id FROM (
    SELECT a.gate FROM {schema}.arrivals AS a WHERE a.is_new AND a.gate > 0 LIMIT %(limit)s::bigint
) AS fresh
CROSS JOIN LATERAL (SELECT g.id FROM {schema}.gates AS g WHERE g.number = fresh.gate OFFSET 0) AS g
