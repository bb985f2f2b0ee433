-- Replace a schedule, once its version has been compared.
-- Parameters: name, id, owner, active, version, next_fire, failures, token (of the save), record (JSON)
-- Result: none
-- State: version n -> version n + 1, held no more; what firings and runs count stays as stored
-- Safe: inside the transaction that has locked it
UPDATE {schema}.schedules
SET id = %(id)s::text, owner = %(owner)s::text, active = %(active)s::boolean, version = %(version)s::bigint,
    next_fire = %(next_fire)s::bigint, failures = %(failures)s::bigint, held = false, token = %(token)s::bigint,
    record = %(record)s::text
WHERE name = %(name)s::text
