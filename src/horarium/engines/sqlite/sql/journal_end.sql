-- Ask where the journal begins and ends.
-- Parameters: none
-- Result: number of the oldest entry, or NULL; number of the newest that there ever was, or NULL
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT (SELECT min(number) FROM journal), (SELECT seq FROM sqlite_sequence WHERE name = 'journal')
