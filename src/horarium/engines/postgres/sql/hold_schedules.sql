-- Hold schedules that are about to fire.
-- Parameters: names
-- Result: a row for each that is there
-- State: unchanged, locked
-- Safe: locked in the order of names, as by everybody who locks several
SELECT FROM {schema}.schedules WHERE name = ANY (%(names)s::text[]) ORDER BY name FOR UPDATE
