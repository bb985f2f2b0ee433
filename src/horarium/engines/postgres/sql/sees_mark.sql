-- Tell whether somebody shows this mark in this very database.
-- Parameters: high, low (the halves of the mark)
-- Result: one truth
-- State: unchanged
-- Safe: reads the server's table of locks; another server, or another database of this one, does not have it
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint = %(high)s::bigint
        AND objid::bigint = %(low)s::bigint
        AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
)
