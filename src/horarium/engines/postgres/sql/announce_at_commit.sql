-- Wake whoever listens to a topic when the caller's own transaction commits: who will be waiting then cannot be known.
-- Parameters: channels
-- Result: none of meaning
-- State: unchanged
-- Safe: PostgreSQL sends it with the commit and forgets it with a rollback
SELECT pg_notify(channel, '') FROM unnest(%(channels)s::text[]) AS topic (channel)
