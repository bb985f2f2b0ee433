-- Give messages that wait another priority; those that stand aside are back in line.
-- Parameters: ids, ranks (the priority, negated), messages: arrays of one length
-- Result: none
-- State: waiting or blocked -> waiting, or blocked by its gate; due and turn stay
-- (Rows are reached by ctid: see put_back.sql.)
-- Safe: inside the transaction that has locked them
UPDATE {schema}.messages AS m
SET owner = nullif(m.owner, ' slot'), rank = told.rank, message = told.message
FROM (
    SELECT told.*, held.tid
    FROM unnest(%(ids)s::text[], %(ranks)s::integer[], %(messages)s::text[]) AS told (id, rank, message)
    CROSS JOIN LATERAL (SELECT m.ctid AS tid FROM {schema}.messages AS m WHERE m.id = told.id OFFSET 0) AS held
    OFFSET 0
) AS told
WHERE m.ctid = told.tid
