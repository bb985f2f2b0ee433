-- Find what owners hold and are to end at once.
-- Parameters: owners
-- Result: owner, id
-- State: unchanged
-- Safe: a hint that is repeated with every renewal until it is settled
SELECT owner, id FROM {schema}.messages WHERE owner = ANY (%(owners)s::text[]) AND cancel = 'terminate'
