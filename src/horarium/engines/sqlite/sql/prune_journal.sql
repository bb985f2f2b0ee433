-- Remove the oldest entries of the journal.
-- Parameters: ?1 how many are kept
-- Result: none
-- State: unchanged
-- Safe: inside a write transaction
DELETE FROM journal WHERE number <= (SELECT max(number) FROM journal) - ?1
