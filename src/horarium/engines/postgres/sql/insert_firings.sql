-- Note firings, once for ever.
-- Parameters: nominals, schedules (ids), kinds, tokens (of the firings): arrays of one length
-- Result: none
-- State: (unknown) -> fired
-- Safe: in the transaction that has locked the schedules and looked whether these are new. Were they not all the same,
--   the key would refuse them, and nothing would be done
INSERT INTO {schema}.firings (nominal, schedule, kind, token)
SELECT * FROM unnest(%(nominals)s::bigint[], %(schedules)s::text[], %(kinds)s::text[], %(tokens)s::bigint[])
