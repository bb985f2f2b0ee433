-- Let a newer message of the same unique key stand in the place of one that waits.
-- Parameters: id, owner (NULL, or that of what a gate blocks), queue, task, rank, due, expires, once, slot, slot_size,
--   message
-- Result: none
-- State: waiting -> waiting, as the newer one wants it; id, turn, created and what it belongs to stay
-- Safe: inside the transaction that has locked it
UPDATE {schema}.messages
SET owner = %(owner)s::text, queue = %(queue)s::text, task = %(task)s::text, rank = %(rank)s::integer,
    due = %(due)s::bigint, expires = %(expires)s::bigint, once = %(once)s::boolean, slot = %(slot)s::text,
    slot_size = %(slot_size)s::integer, uniq = true, message = %(message)s::text
WHERE id = %(id)s::text AND coalesce(owner, ' gate') IN (' gate', ' slot')
