-- Draw the next places in the order of puts.
-- Parameters: :count
-- Result: the last of :count turns in a row
-- State: the counter moves on
-- Safe: inside a write transaction, so no two puts draw the same turn
UPDATE counters SET value = value + :count WHERE name = 'turn' RETURNING value
