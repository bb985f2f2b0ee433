-- Remove schedules. Their firings stay known until they are pruned.
-- Parameters: names
-- Result: none; the changed rows are those removed
-- State: any -> (unknown)
-- Safe: one statement
DELETE FROM {schema}.schedules WHERE name = ANY (%(names)s::text[])
