-- Move a schedule on to its next firing: the compare-and-set.
-- Parameters: name, version, expected (NULL: none), next_fire, missed, token (of this firing)
-- Result: id, if the comparison holds
-- State: next_fire expected -> next_fire
-- Safe: compared again under the lock of the row: of several schedulers one finds what it expects
UPDATE {schema}.schedules
SET next_fire = %(next_fire)s::bigint, missed = missed + %(missed)s::bigint, token = %(token)s::bigint
WHERE name = %(name)s::text AND version = %(version)s::bigint
    AND next_fire IS NOT DISTINCT FROM %(expected)s::bigint
RETURNING id
