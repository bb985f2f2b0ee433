-- Replace a schedule, once its version has been compared.
-- Parameters: name, id, owner, active, version, next_fire, token (of the save), record (JSON)
-- Result: none
-- State: version n -> version n + 1; what firings count stays as stored
-- Safe: inside the transaction that has locked it
UPDATE {schema}.schedules
SET id = %(id)s::text, owner = %(owner)s::text, active = %(active)s::boolean, version = %(version)s::bigint,
    next_fire = %(next_fire)s::bigint, token = %(token)s::bigint, record = %(record)s::text
WHERE name = %(name)s::text
