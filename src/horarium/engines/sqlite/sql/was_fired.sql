-- Tell whether an instant was fired.
-- Parameters: :nominal, :schedule (id), :kind
-- Result: one row if it was
-- State: unchanged
-- Safe: inside the write transaction that fires
SELECT 1 FROM firings WHERE nominal = :nominal AND schedule = :schedule AND kind = :kind
