-- Tell roughly how many runs a driver of search.sql would find, so that the scarcest is chosen.
-- Parameters: :value, :value_end, :limit (count no further)
-- Result: the number
-- State: unchanged
-- Safe: a guess is good enough
SELECT count(*) FROM (SELECT 1 FROM runs WHERE {driver} LIMIT :limit)
