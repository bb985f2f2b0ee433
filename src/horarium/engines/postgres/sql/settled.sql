-- Look at the marks under which ended runs were settled.
-- Parameters: ids
-- Result: id, settled
-- State: unchanged
-- Safe: sent behind entries.sql: what is not found there has ended before and is seen here
SELECT id, settled FROM {schema}.runs WHERE id = ANY (%(ids)s::text[])
