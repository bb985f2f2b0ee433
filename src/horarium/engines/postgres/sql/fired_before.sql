-- Tell whether an earlier try of the same firing was recorded, and whether it won.
-- Parameters: name, nominal (or NULL), kind, token (of the firing)
-- Result: the schedule was moved on under this token, the firing was noted under it
-- State: unchanged
-- Safe: asked only when a call is repeated because its answer was lost; tokens are drawn at random
SELECT
    EXISTS (SELECT FROM {schema}.schedules WHERE name = %(name)s::text AND token = %(token)s::bigint),
    EXISTS (
        SELECT FROM {schema}.firings
        WHERE nominal = %(nominal)s::bigint AND kind = %(kind)s::text AND token = %(token)s::bigint
    )
