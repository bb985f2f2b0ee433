-- Remove runs that have ended.
-- Parameters: ids
-- Result: none; the changed rows are those removed
-- State: ended -> (unknown); others stay
-- Safe: one statement
DELETE FROM {schema}.runs WHERE id = ANY (%(ids)s::text[])
