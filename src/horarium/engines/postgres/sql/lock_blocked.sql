-- Hold messages that a gate blocks: to do so is to hold their gates.
-- Parameters: ids
-- Result: id of each
-- State: unchanged, locked
-- (coalesce() keeps the planner from looking through all that is blocked instead.)
-- Safe: locked in the order of ids, before anything else of the transaction
SELECT id FROM {schema}.messages WHERE id = ANY (%(ids)s::text[]) AND coalesce(owner, '') = ' gate' ORDER BY id FOR NO KEY UPDATE
