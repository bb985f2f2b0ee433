-- Give messages to an owner.
-- Parameters: ids, owner, token (of this claim), now
-- Result: message, id, fence, attempt, crashes of each. None if the owner was given up
-- State: waiting -> in hand, RECEIVED; attempt and fence one higher
-- Safe: inside the transaction that has locked them
UPDATE {schema}.messages AS m
SET owner = %(owner)s::text, worker = holder.name, state = 'RECEIVED', changed = %(now)s::bigint, attempt = m.attempt + 1,
    fence = m.fence + 1, token = %(token)s::bigint
FROM (SELECT name FROM {schema}.owners WHERE owner = %(owner)s::text AND given_up IS NULL OFFSET 0) AS holder
WHERE m.id = ANY (%(ids)s::text[]) AND num_nulls(m.owner) = 1
RETURNING m.message, m.id, m.fence, m.attempt, m.crashes
