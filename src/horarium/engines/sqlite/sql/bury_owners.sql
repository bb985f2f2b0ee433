-- Remove old tombstones of owners that hold nothing.
-- Parameters: :buried
-- Result: none
-- State: given up -> (unknown)
-- Safe: inside a write transaction; after this only fences refuse such an owner
DELETE FROM owners
WHERE given_up IS NOT NULL AND given_up <= :buried
    AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.phase = 1 AND runs.owner = owners.owner)
