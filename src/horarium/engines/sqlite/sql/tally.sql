-- Read a tally, to add to it.
-- Parameters: ?1 width (ms), ?2 bucket, ?3 task, ?4 queue
-- Result: sums (JSON); no row for one that is not there
-- State: unchanged
-- Safe: inside the write transaction that writes it back
SELECT sums FROM tallies WHERE width = ?1 AND at = ?2 AND task = ?3 AND queue = ?4
