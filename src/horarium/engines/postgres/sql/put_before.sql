-- Find what an earlier try of the same put has stored.
-- Parameters: ids; token (of the put)
-- Result: id of each
-- State: unchanged
-- Safe: asked only when a put is repeated because its answer was lost
SELECT id FROM {schema}.messages WHERE id = ANY (%(ids)s::text[]) AND token = %(token)s::bigint
