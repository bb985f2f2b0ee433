-- Take dooms that are to be carried out, the oldest first.
-- Parameters: limit
-- Result: number, id, doom
-- State: doomed -> (about to end)
-- (number > 0 lets the planner read only the front of the key.)
-- Safe: inside the transaction that ends the messages; what somebody else is carrying out is left to them
DELETE FROM {schema}.dooms WHERE ctid = ANY (ARRAY (
    SELECT ctid FROM {schema}.dooms WHERE number > 0 ORDER BY number LIMIT %(limit)s::bigint FOR UPDATE SKIP LOCKED
))
RETURNING number, id, doom
