-- Find the highest place taken below a bound (see intake.Places).
-- Parameters: :below
-- Result: the highest seq below it, or NULL
-- State: unchanged
-- Safe: inside the write transaction that inserts, so nobody takes the next place meanwhile
SELECT max(seq) FROM runs WHERE seq < :below
