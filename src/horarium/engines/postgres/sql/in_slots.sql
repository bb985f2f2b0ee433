-- Count what is in hand of the keys of slots, and hold it as far as nobody else is at it.
-- Parameters: keys
-- Result: key, number in hand, number of those held now
-- State: unchanged; those held cannot leave the hand before we are done
-- Safe: behind lock_room.sql, so that nothing comes into a hand meanwhile. What leaves one at this very moment is counted
--   as in hand but not held: whether there is room cannot be told then
WITH held AS MATERIALIZED (
    SELECT m.slot FROM (SELECT DISTINCT told.key FROM unnest(%(keys)s::text[]) AS told (key)) AS told
    CROSS JOIN LATERAL (
        SELECT m.slot FROM {schema}.messages AS m WHERE m.slot = told.key AND m.owner > ' slot' FOR SHARE SKIP LOCKED
    ) AS m
)
SELECT told.key,
    (SELECT count(*) FROM {schema}.messages AS m WHERE m.slot = told.key AND m.owner > ' slot'),
    (SELECT count(*) FROM held WHERE held.slot = told.key)
FROM (SELECT DISTINCT told.key FROM unnest(%(keys)s::text[]) AS told (key)) AS told
