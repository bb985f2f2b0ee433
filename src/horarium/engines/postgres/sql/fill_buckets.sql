-- Write down what is left of rates.
-- Parameters: names, rests: arrays of one length, each name once; now
-- Result: none
-- State: as it was -> as it is now
-- Safe: behind lock_room.sql, so nobody else is at it
INSERT INTO {schema}.buckets (name, rest, at)
SELECT name, rest, %(now)s::bigint FROM unnest(%(names)s::text[], %(rests)s::float8[]) AS told (name, rest)
ON CONFLICT (name) DO UPDATE SET rest = excluded.rest, at = excluded.at
