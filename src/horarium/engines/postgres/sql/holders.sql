-- Look who holds unique keys.
-- Parameters: keys; now; texts (whether their messages are wanted)
-- Result: key, id, waits (in line or blocked), is gated, fence, slot, message (or NULL) of each holder that has not ended,
--   nor started if that ends it
-- State: unchanged
-- Safe: sent behind lock_keys.sql: the keys stay as they are. A holder that is ending at this moment holds still
SELECT u.key, u.id, coalesce(m.owner, ' gate') IN (' gate', ' slot'), coalesce(m.owner = ' gate', false), m.fence, m.slot,
    CASE WHEN %(texts)s::boolean THEN m.message END
FROM (
    SELECT u.key, u.id, u.fence FROM {schema}.uniques AS u
    WHERE u.key = ANY (%(keys)s::text[]) AND (u.until IS NULL OR u.until > %(now)s::bigint) OFFSET 0
) AS u
CROSS JOIN LATERAL (
    SELECT m.owner, m.fence, m.slot, m.message FROM {schema}.messages AS m
    WHERE m.id = u.id AND m.fence = coalesce(u.fence, m.fence) OFFSET 0
) AS m
