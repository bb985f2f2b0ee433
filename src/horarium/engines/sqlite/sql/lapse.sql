-- Give up every owner whose lease has lapsed.
-- Parameters: :now
-- Result: owner of each
-- State: live -> given up
-- Safe: one statement inside a write transaction; a renewal comes before it, or finds itself given up
UPDATE owners SET given_up = :now WHERE given_up IS NULL AND lease_until <= :now RETURNING owner
