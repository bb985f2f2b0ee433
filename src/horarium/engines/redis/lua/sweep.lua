-- Drop what only had to be remembered for a while: tombstones, firings, notes, and rates.
-- Parameters: KEYS[1] the namespace; ARGV bury those given up at or before, prune firings at or before, limit, now
-- Result: none
-- State: given up, holding nothing -> absent; fired -> absent; note past its expires -> absent; a bucket that
--   is full again -> absent, which is as good
-- Safe: a script runs alone
local K, limit = KEYS[1], ARGV[3]
for _, owner in ipairs(redis.call('ZRANGEBYSCORE', K .. 'graves', '-inf', ARGV[1], 'LIMIT', 0, limit)) do
  if redis.call('EXISTS', K .. 'own:' .. owner) == 0 then
    redis.call('ZREM', K .. 'graves', owner)
    redis.call('HDEL', K .. 'members', owner)
    redis.call('HDEL', K .. 'seen', owner)
  end
end
for _, firing in ipairs(redis.call('ZRANGEBYSCORE', K .. 'fires', '-inf', ARGV[2], 'LIMIT', 0, limit)) do
  redis.call('ZREM', K .. 'fires', firing)
  redis.call('HDEL', K .. 'fired', firing)  -- a hash that an older version kept beside it
end
for _, key in ipairs(redis.call('ZRANGEBYSCORE', K .. 'notex', '-inf', ARGV[4], 'LIMIT', 0, limit)) do
  redis.call('ZREM', K .. 'notex', key)
  redis.call('ZREM', K .. 'noten', key)
  redis.call('HDEL', K .. 'notes', key)
end
for _, bucket in ipairs(redis.call('ZRANGEBYSCORE', K .. 'full', '-inf', ARGV[4], 'LIMIT', 0, limit)) do
  redis.call('ZREM', K .. 'full', bucket)
  redis.call('HDEL', K .. 'buckets', bucket)
end
