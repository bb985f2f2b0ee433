-- Read what has arrived at gates.
-- Parameters: numbers (of gates)
-- Result: number of the gate, value (JSON) of each arrival, by place, then by id
-- State: unchanged
-- Safe: inside the transaction that has locked and counted them
SELECT gate, value FROM {schema}.arrivals WHERE gate = ANY (%(numbers)s::bigint[]) AND NOT is_new
ORDER BY gate, place, member
