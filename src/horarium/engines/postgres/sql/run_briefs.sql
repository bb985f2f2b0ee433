-- The latest runs of each of some schedules in brief: no argument, result or history is read, and a page of schedules is
-- one round trip instead of fifty.
-- Parameters: schedules (an array), limit
-- Result: place in the array (from 1), state, started, ended; the latest created of each first
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT asked.place, found.state, found.started, found.ended
FROM unnest(%(schedules)s::text[]) WITH ORDINALITY AS asked (schedule, place)
CROSS JOIN LATERAL (
    SELECT * FROM (
        (
            SELECT created, turn, state, started, NULL::bigint AS ended
            FROM {schema}.messages WHERE messages.schedule = asked.schedule
            ORDER BY created DESC, turn DESC LIMIT %(limit)s::bigint
        )
        UNION ALL
        (
            SELECT created, turn, state, started, ended
            FROM {schema}.runs WHERE runs.schedule = asked.schedule
            ORDER BY created DESC, turn DESC LIMIT %(limit)s::bigint
        )
    ) AS both_kinds ORDER BY created DESC, turn DESC LIMIT %(limit)s::bigint
) AS found
ORDER BY asked.place, found.created DESC, found.turn DESC
