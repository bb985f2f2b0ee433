-- Hold unique keys; those that are not there are made, for nobody.
-- Parameters: keys: each once, in order; now
-- Result: none
-- State: (unknown) -> held by nobody; or as it was
-- Safe: the unique index makes whoever puts the same key wait for the end of this transaction; the keys are locked in order
INSERT INTO {schema}.uniques AS u (key, id, looked)
SELECT key, '', %(now)s::bigint FROM unnest(%(keys)s::text[]) AS told (key)
ON CONFLICT (key) DO UPDATE SET looked = u.looked
