-- Mark a message in hand as cancelled.
-- Parameters: id, cancel (revoke or terminate)
-- Result: none
-- State: in hand -> in hand, marked
-- Safe: inside the transaction that has locked it
UPDATE {schema}.messages SET cancel = %(cancel)s::text WHERE id = %(id)s::text
