-- Remove a schedule. Its firings stay known until they are pruned.
-- Parameters: :name
-- Result: none; the changed rows are those removed
-- State: any -> (unknown)
-- Safe: one statement inside a write transaction
DELETE FROM schedules WHERE name = :name
