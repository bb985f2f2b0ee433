-- Hold the waiting messages that hold unique keys, before the keys themselves.
-- Parameters: keys
-- Result: id of each
-- State: unchanged, locked
-- Safe: locked in the order of ids, as everybody does; those in hand are not waited for. Who has the key may have changed by
--   the time it is locked: keys.py looks again
SELECT m.id FROM {schema}.messages AS m
WHERE m.id = ANY (ARRAY (SELECT u.id FROM {schema}.uniques AS u WHERE u.key = ANY (%(keys)s::text[])))
    AND coalesce(m.owner, ' gate') IN (' gate', ' slot')
ORDER BY m.id FOR UPDATE
