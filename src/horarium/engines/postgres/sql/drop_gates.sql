-- Remove gates with all that has arrived there.
-- Parameters: ids
-- Result: none
-- State: blocked -> (its gate unknown)
-- Safe: inside the transaction that has locked the messages. What arrives at this very moment is left behind, and found
--   by drop_strays.sql
WITH gone AS (
    DELETE FROM {schema}.gates WHERE id = ANY (%(ids)s::text[]) RETURNING number
)
DELETE FROM {schema}.arrivals AS a
USING (
    SELECT here.tid FROM gone CROSS JOIN LATERAL (
        SELECT a.ctid AS tid FROM {schema}.arrivals AS a WHERE a.gate = gone.number OFFSET 0
    ) AS here OFFSET 0
) AS there
WHERE a.ctid = there.tid
