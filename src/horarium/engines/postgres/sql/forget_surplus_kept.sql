-- Remove the surplus of ended runs from those that have a keep of their own, those first that it would let go first.
-- Parameters: most, limit
-- Result: none; the changed rows are those removed
-- State: ended -> (unknown)
-- Safe: counted in the same snapshot, and nothing is locked beforehand: of two callers at once both choose the same rows,
--   and the second finds them gone. (FOR UPDATE SKIP LOCKED would give it others, and too many would go.)
--   In the order of the index alone, which lists equal keys by their place: sorted by id, too, 1,000 of a million
--   that were recorded with one end took 3,500 ms instead of 1.
DELETE FROM {schema}.runs WHERE ctid = ANY (ARRAY (
    SELECT ctid FROM {schema}.runs WHERE keep IS NOT NULL ORDER BY changed + keep
    LIMIT greatest(0, least(%(limit)s::bigint, (SELECT count(*) FROM {schema}.runs) - %(most)s::bigint))
))
