-- List messages that have not ended, in the order of claims, those in hand first. {conditions} is filled in by
-- inspector.py from a fixed list.
-- Parameters: those of the conditions; limit
-- Result: is waiting, rank, due, turn, id, task, queue, created, state, owner, fence, attempt, crashes, message
-- State: unchanged
-- Safe: one statement, one snapshot; it walks all messages that have not ended, which only people's questions may
SELECT owner IS NULL, rank, due, turn, id, task, queue, created, state, owner, fence, attempt, crashes, message
FROM {schema}.messages WHERE {conditions}
ORDER BY owner IS NULL, rank, due, turn LIMIT %(limit)s::bigint
