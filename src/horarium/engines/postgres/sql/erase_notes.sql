-- Remove notes.
-- Parameters: keys
-- Result: none; the changed rows are those removed
-- State: there -> (unknown)
-- Safe: one statement
DELETE FROM {schema}.notes WHERE key = ANY (%(keys)s::text[])
