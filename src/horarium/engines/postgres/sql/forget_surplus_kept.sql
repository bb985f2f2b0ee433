-- Remove the surplus of ended runs from those that have a keep of their own, those first that it would let go first.
-- Parameters: most, limit
-- Result: none; the changed rows are those removed
-- State: ended -> (unknown)
-- Safe: counted in the same snapshot, and nothing is locked beforehand: of two callers at once both choose the same rows,
--   and the second finds them gone. (FOR UPDATE SKIP LOCKED would give it others, and too many would go.)
DELETE FROM {schema}.runs WHERE ctid = ANY (ARRAY (
    SELECT ctid FROM {schema}.runs WHERE keep IS NOT NULL ORDER BY changed + keep, id
    LIMIT greatest(0, least(%(limit)s::bigint, (SELECT count(*) FROM {schema}.runs) - %(most)s::bigint))
))
