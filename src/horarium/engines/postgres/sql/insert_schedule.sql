-- Create a schedule.
-- Parameters: name, id, owner, active, version, next_fire, last_fire, total_runs, missed, token (of the save), record (JSON)
-- Result: none; the changed row, or none if somebody else has just created one of this name
-- State: (unknown) -> version 1
-- Safe: the unique name decides
INSERT INTO {schema}.schedules (name, id, owner, active, version, next_fire, last_fire, total_runs, missed, token, record)
VALUES (
    %(name)s::text, %(id)s::text, %(owner)s::text, %(active)s::boolean, %(version)s::bigint, %(next_fire)s::bigint,
    %(last_fire)s::bigint, %(total_runs)s::bigint, %(missed)s::bigint, %(token)s::bigint, %(record)s::text
)
ON CONFLICT (name) DO NOTHING
