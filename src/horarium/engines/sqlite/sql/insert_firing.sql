-- Note a firing, once for ever.
-- Parameters: :nominal, :schedule (id), :kind
-- Result: none; one changed row if it is new
-- State: (unknown) -> fired
-- Safe: inside the write transaction that also compares next_fire and puts the messages; the key decides
INSERT INTO firings (nominal, schedule, kind) VALUES (:nominal, :schedule, :kind)
ON CONFLICT (nominal, schedule, kind) DO NOTHING
