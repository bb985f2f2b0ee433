-- Keep the record of an end where Celery looks for it, and wake who waits for it.
-- Parameters: KEYS[1] the record, KEYS[2] the list of awaited ends; ARGV[1] the record's text, ARGV[2] seconds to keep it,
--   ARGV[3] the id, ARGV[4] now, then the ids that this end has set off
-- Result: nothing
-- State: awaited -> told; what it has set off is awaited from here on
-- Safe: a script runs alone; said twice it says the same
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('PUBLISH', KEYS[1], ARGV[1])
for place = 5, #ARGV do redis.call('ZADD', KEYS[2], 'NX', ARGV[4], ARGV[place]) end
redis.call('ZREM', KEYS[2], ARGV[3])
