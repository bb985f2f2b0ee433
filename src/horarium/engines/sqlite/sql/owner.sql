-- Look at an owner.
-- Parameters: :owner
-- Result: name, given_up
-- State: unchanged
-- Safe: claim asks again inside its write transaction, so an owner given up meanwhile takes nothing
SELECT name, given_up FROM owners WHERE owner = :owner
