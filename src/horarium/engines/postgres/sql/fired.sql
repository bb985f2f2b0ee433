-- Find which firings were noted before.
-- Parameters: nominals, schedules (ids), kinds: arrays of one length
-- Result: nominal, schedule, kind, token of each that was
-- State: unchanged
-- Safe: in the transaction that has locked the schedules, without which nobody notes a firing of theirs
SELECT known.nominal, known.schedule, known.kind, known.token
FROM unnest(%(nominals)s::bigint[], %(schedules)s::text[], %(kinds)s::text[]) AS told (nominal, schedule, kind)
CROSS JOIN LATERAL (
    SELECT f.nominal, f.schedule, f.kind, f.token FROM {schema}.firings AS f
    WHERE f.nominal = told.nominal AND f.schedule = told.schedule AND f.kind = told.kind OFFSET 0
) AS known
