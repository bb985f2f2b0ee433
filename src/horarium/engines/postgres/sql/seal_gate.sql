-- Tell a gate that knew no size how many arrive.
-- Parameters: id, size
-- Result: none; the changed row is the gate
-- State: blocked -> blocked, by a gate with a size
-- Safe: inside the transaction that has locked the message
UPDATE {schema}.gates SET size = %(size)s::integer WHERE id = %(id)s::text AND size IS NULL
