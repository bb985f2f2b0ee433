-- Remove old firings, as many as the bound allows; the key begins with nominal, so this is a range.
-- Parameters: :fired, :limit
-- Result: none
-- State: fired -> (unknown)
-- Safe: inside a write transaction; next_fire has long passed them
DELETE FROM firings WHERE (nominal, schedule, kind) IN (
    SELECT nominal, schedule, kind FROM firings WHERE nominal <= :fired ORDER BY nominal LIMIT :limit
)
