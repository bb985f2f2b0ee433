-- Wait for whoever widens these gates.
-- Parameters: ids
-- Result: none of meaning
-- State: unchanged, locked
-- Safe: sent behind lock_blocked.sql; locked in the order of ids
SELECT FROM {schema}.gates WHERE id = ANY (%(ids)s::text[]) ORDER BY id FOR NO KEY UPDATE
