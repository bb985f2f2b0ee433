-- Find which ids are known.
-- Parameters: ids
-- Result: id of each
-- State: unchanged
-- Safe: a hint: the unique id decides when they are stored
SELECT id FROM {schema}.messages WHERE id = ANY (%(ids)s::text[])
UNION ALL SELECT id FROM {schema}.runs WHERE id = ANY (%(ids)s::text[])
