-- Read what is left of rates.
-- Parameters: names
-- Result: name, rest, at
-- State: unchanged
-- Safe: exact behind lock_room.sql, otherwise a hint
SELECT name, rest, at FROM {schema}.buckets WHERE name = ANY (%(names)s::text[])
