-- Remove old readings, the oldest first.
-- Parameters: widths (ms), befores (the moment before which those of it began): arrays of one length; limit (of a width)
-- Result: none
-- State: there -> (unknown)
-- Safe: what somebody else is at is left to them; nobody adds to what is too old
DELETE FROM {schema}.readings WHERE ctid = ANY (ARRAY (
    SELECT old.tid FROM unnest(%(widths)s::integer[], %(befores)s::bigint[]) AS told (width, before)
    CROSS JOIN LATERAL (
        SELECT r.ctid AS tid FROM {schema}.readings AS r WHERE r.width = told.width AND r.at < told.before
        ORDER BY r.at, r.queue LIMIT %(limit)s::bigint FOR UPDATE SKIP LOCKED
    ) AS old
))
