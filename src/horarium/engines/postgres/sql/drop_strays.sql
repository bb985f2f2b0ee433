-- Remove what arrived at gates that are no more.
-- Parameters: limit
-- Result: none; the changed rows are those removed
-- State: (a gate unknown) -> nothing left of it
-- Safe: whoever arrives has seen the gate, so one that is not seen now was dropped, and its number never comes again
DELETE FROM {schema}.arrivals AS a
USING (
    SELECT fresh.tid FROM (
        SELECT a.ctid AS tid, a.gate FROM {schema}.arrivals AS a WHERE a.is_new AND a.gate > 0 LIMIT %(limit)s::bigint
    ) AS fresh
    WHERE (SELECT true FROM {schema}.gates AS g WHERE g.number = fresh.gate) IS NULL
    OFFSET 0
) AS stray
WHERE a.ctid = stray.tid
