-- Read notes by the beginning of their keys.
-- Parameters: prefix, after (the least text behind all that begin so), now, last (how many at the most; NULL: all)
-- Result: key, text, expires, changed, the last key first
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT key, text, expires, changed FROM {schema}.notes
WHERE key >= %(prefix)s::text AND key < %(after)s::text AND starts_with(key, %(prefix)s::text)
    AND (expires IS NULL OR expires > %(now)s::bigint)
ORDER BY key DESC LIMIT %(last)s::bigint
