-- Add entries to the journal.
-- Parameters: entries (JSON)
-- Result: none
-- State: the journal ends where it ended -> behind them
-- Safe: sent behind lock_journal.sql, with a newer snapshot, so numbers have no gaps and are seen in their order: a reader
--   who has seen one has seen, or can still see, all before it
INSERT INTO {schema}.journal (number, entry)
SELECT coalesce(last.number, 0) + told.place, told.entry
FROM unnest(%(entries)s::text[]) WITH ORDINALITY AS told (entry, place)
LEFT JOIN (
    SELECT j.number FROM {schema}.journal AS j WHERE j.number > 0 ORDER BY j.number DESC LIMIT 1
) AS last ON true
