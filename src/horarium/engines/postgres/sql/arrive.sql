-- Note who has arrived at which gate.
-- Parameters: gates (ids of blocked messages), members, places, values (JSON): arrays of one length
-- Result: none
-- State: blocked -> blocked, with arrivals that have yet to be counted
-- Safe: it locks nothing that others need: members of one chord are settled side by side, whatever their flushes take.
--   Once per gate and member. A gate that is not there is passed over; one that is closing leaves a stray
INSERT INTO {schema}.arrivals (gate, member, place, value, is_new)
SELECT gate.number, told.member, told.place, told.value, true
FROM unnest(%(gates)s::text[], %(members)s::text[], %(places)s::bigint[], %(values)s::text[])
    AS told (gate, member, place, value)
CROSS JOIN LATERAL (SELECT g.number FROM {schema}.gates AS g WHERE g.id = told.gate OFFSET 0) AS gate
ON CONFLICT (gate, member) DO NOTHING
