-- Read the journal behind a place, and where it begins and ends.
-- Parameters: place, limit
-- Result: first and last number (NULL for none), number, entry; a single row without the latter where nothing follows
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT (SELECT j.number FROM {schema}.journal AS j WHERE j.number > 0 ORDER BY j.number LIMIT 1),
    (SELECT j.number FROM {schema}.journal AS j WHERE j.number > 0 ORDER BY j.number DESC LIMIT 1),
    newer.number, newer.entry
FROM (SELECT true) AS one LEFT JOIN (
    SELECT number, entry FROM {schema}.journal WHERE number > %(place)s::bigint ORDER BY number LIMIT %(limit)s::bigint
) AS newer ON true
ORDER BY newer.number
