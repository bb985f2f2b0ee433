-- Let a gate wait for more.
-- Parameters: id, more
-- Result: none
-- State: blocked -> blocked
-- Safe: inside the transaction that records the settlement, which has not arrived yet, so that the gate cannot open; one
--   statement, which finds the newest version of the row. A gate that is not there is passed over
UPDATE {schema}.gates SET widened = widened + %(more)s::integer WHERE id = %(id)s::text
