-- Give up an owner: it may claim and renew no more.
-- Parameters: :owner, :now
-- Result: none
-- State: live -> given up
-- Safe: inside a write transaction; the first one decides, and nothing takes it back
UPDATE owners SET given_up = :now WHERE owner = :owner AND given_up IS NULL
