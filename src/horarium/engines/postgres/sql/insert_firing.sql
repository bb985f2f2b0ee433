-- Note a firing, once for ever.
-- Parameters: nominal, schedule (id), kind, token (of this firing)
-- Result: none; one changed row if it is new
-- State: (unknown) -> fired
-- Safe: in the transaction that also compares next_fire and puts the messages; the key decides
INSERT INTO {schema}.firings (nominal, schedule, kind, token)
VALUES (%(nominal)s::bigint, %(schedule)s::text, %(kind)s::text, %(token)s::bigint)
ON CONFLICT (nominal, schedule, kind) DO NOTHING
