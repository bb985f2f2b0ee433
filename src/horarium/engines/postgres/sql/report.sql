-- Note what deliveries in hand report of themselves.
-- Parameters: ids, states, workers, starteds, changeds (NULL: as before), histories: arrays of one length
-- Result: none
-- State: in hand -> in hand, under its own state
-- Safe: inside the transaction that has locked them and compared owner and fence
UPDATE {schema}.messages AS m
SET state = told.state, worker = told.worker, started = told.started, changed = coalesce(told.changed, m.changed),
    history = told.history
FROM unnest(
    %(ids)s::text[], %(states)s::text[], %(workers)s::text[], %(starteds)s::bigint[], %(changeds)s::bigint[],
    %(histories)s::text[]
) AS told (id, state, worker, started, changed, history)
WHERE m.id = told.id
