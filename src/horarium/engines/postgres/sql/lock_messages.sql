-- Hold messages that have not ended.
-- Parameters: ids
-- Result: none
-- State: unchanged, locked
-- Safe: locked in the order of ids, as everybody does, inside a transaction that ends them in more than one statement
SELECT FROM {schema}.messages WHERE id = ANY (%(ids)s::text[]) ORDER BY id FOR UPDATE
