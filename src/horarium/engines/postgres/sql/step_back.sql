-- Let messages that stand aside back into line, in their old places.
-- Parameters: ids
-- Result: slot, queue of each
-- State: blocked by its slot -> waiting in line
-- (coalesce() keeps the planner from looking through all that is blocked instead.)
-- Safe: sent behind lock_aside.sql
UPDATE {schema}.messages SET owner = NULL WHERE id = ANY (%(ids)s::text[]) AND coalesce(owner, '') = ' slot' RETURNING slot, queue
