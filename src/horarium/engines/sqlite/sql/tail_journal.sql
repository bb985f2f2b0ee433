-- Read on in the journal.
-- Parameters: ?1 number of the last one read, ?2 how many
-- Result: number, entry
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT number, entry FROM journal WHERE number > ?1 ORDER BY number LIMIT ?2
