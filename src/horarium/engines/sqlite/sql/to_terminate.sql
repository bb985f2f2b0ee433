-- Find what an owner holds and is to end at once.
-- Parameters: :owner
-- Result: id
-- State: unchanged
-- Safe: a hint that is repeated with every renewal until it is settled
SELECT id FROM runs WHERE phase = 1 AND owner = :owner AND cancel = 'terminate'
