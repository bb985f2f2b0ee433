-- Wake whoever waits for a topic. A listener that waits holds its topic's advisory lock, shared; where nobody does, no
-- NOTIFY is sent, for the commit of one takes a lock that the whole cluster shares (and writes to the log).
-- Parameters: space (a number for the schema), keys, channels: arrays of one length
-- Result: none of meaning
-- State: unchanged
-- Safe: sent behind the commit. A listener that takes its lock before this look is told; one that takes it later looks
--   at its queue after that, and sees what was committed. Two that look at once may both send a hint too many.
SELECT CASE
    WHEN pg_try_advisory_lock(%(space)s::integer, topic.key) THEN pg_advisory_unlock(%(space)s::integer, topic.key)::text
    ELSE pg_notify(topic.channel, '')::text
END
FROM unnest(%(keys)s::integer[], %(channels)s::text[]) AS topic (key, channel)
