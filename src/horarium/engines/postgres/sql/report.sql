-- Note what deliveries in hand report of themselves.
-- Parameters: ids, states, workers, starteds, changeds (NULL: as before), histories: arrays of one length
-- Result: none
-- State: in hand -> in hand, under its own state
-- (Rows are reached by ctid, and found by id in a LATERAL: joined by id, a table that was analysed while it was empty is
-- read from end to end, for ever.)
-- Safe: inside the transaction that has locked them and compared owner and fence
UPDATE {schema}.messages AS m
SET state = told.state, worker = told.worker, started = told.started, changed = coalesce(told.changed, m.changed),
    history = told.history
FROM (
    SELECT told.*, held.tid FROM unnest(
        %(ids)s::text[], %(states)s::text[], %(workers)s::text[], %(starteds)s::bigint[], %(changeds)s::bigint[],
        %(histories)s::text[]
    ) AS told (id, state, worker, started, changed, history)
    CROSS JOIN LATERAL (SELECT m.ctid AS tid FROM {schema}.messages AS m WHERE m.id = told.id OFFSET 0) AS held
    OFFSET 0
) AS told
WHERE m.ctid = told.tid
