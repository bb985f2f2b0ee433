-- Open gates for messages that are blocked by one, in place of what their ids had before.
-- Parameters: ids, sizes (NULL: not known yet): arrays of one length, each id once; token (of the put that has just stored
--   them; NULL: whatever it is)
-- Result: none
-- State: blocked -> blocked, with nothing arrived
-- (coalesce() keeps the planner from looking through all that is blocked instead.)
-- Safe: inside the transaction that has stored or locked the messages. The number is new each time: whatever still
--   arrives under an older one is not counted here
INSERT INTO {schema}.gates AS g (id, number, size)
SELECT told.id, nextval('{schema}.turns'), told.size
FROM unnest(%(ids)s::text[], %(sizes)s::integer[]) AS told (id, size)
CROSS JOIN LATERAL (
    SELECT m.id FROM {schema}.messages AS m
    WHERE m.id = told.id AND coalesce(m.owner, '') = ' gate' AND m.token = coalesce(%(token)s::bigint, m.token) OFFSET 0
) AS blocked
ON CONFLICT (id) DO UPDATE SET number = excluded.number, size = excluded.size, widened = 0, arrived = 0
