-- Count the messages of a schedule that have not ended, as far as it matters.
-- Parameters: :schedule (name), :limit
-- Result: their number, :limit at the most
-- State: unchanged
-- Safe: inside the write transaction that fires
SELECT count(*) FROM (SELECT 1 FROM runs INDEXED BY runs_active WHERE schedule = :schedule AND phase < 2 LIMIT :limit)
