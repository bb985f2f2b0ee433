-- Let messages stand aside for their slots.
-- Parameters: ids
-- Result: none
-- State: waiting in line -> blocked by its slot
-- Safe: inside the transaction of a claim that has locked them, and those of their keys that are in hand
UPDATE {schema}.messages SET owner = ' slot' WHERE id = ANY (%(ids)s::text[]) AND num_nulls(owner) = 1
