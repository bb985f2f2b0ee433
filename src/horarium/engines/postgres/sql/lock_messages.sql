-- Hold messages that a transaction is going to move in more than one statement.
-- Parameters: ids
-- Result: none of meaning
-- State: unchanged, locked
-- Safe: locked in the order of ids; the statements behind it, each of which locks some of them, then wait for nobody
SELECT FROM {schema}.messages WHERE id = ANY (%(ids)s::text[]) ORDER BY id FOR UPDATE
