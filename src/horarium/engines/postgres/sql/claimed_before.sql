-- Give an owner once more what claims of its own took whose answers never came.
-- Parameters: owner, unsure (tokens of those claims), token (of this one), limit
-- Result: message, id, fence, attempt, crashes of each, in order of claims
-- State: in hand -> in hand, under the new token
-- Safe: only the owner itself asks, and only for tokens of which it has seen no answer
WITH mine AS MATERIALIZED (
    SELECT ctid AS tid, rank, due, turn FROM {schema}.messages
    WHERE owner = %(owner)s::text AND token = ANY (%(unsure)s::bigint[])
    ORDER BY rank, due, turn LIMIT %(limit)s::bigint FOR UPDATE
),
again AS (
    UPDATE {schema}.messages AS m SET token = %(token)s::bigint FROM mine WHERE m.ctid = mine.tid
    RETURNING mine.rank, mine.due, mine.turn, m.message, m.id, m.fence, m.attempt, m.crashes
)
SELECT message, id, fence, attempt, crashes FROM again ORDER BY rank, due, turn
