-- Note an arrival at a gate.
-- Parameters: ?1 gate, ?2 member, ?3 place, ?4 value (JSON)
-- Result: none; one changed row, or none if there is no such gate, or the member has arrived before
-- State: blocked -> blocked
-- Safe: inside a write transaction; the key decides, so the same arrival told twice counts once
INSERT INTO arrivals (gate, member, place, value)
SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM gates WHERE id = ?1)
ON CONFLICT (gate, member) DO NOTHING
