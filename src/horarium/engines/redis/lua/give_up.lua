-- Give owners up: those named, and those whose lease has lapsed if that is asked for.
-- Parameters: KEYS[1] the namespace; ARGV now, "lapsed" or "named", then the named owners
-- Result: the owners that were given up because they had lapsed
-- State: alive -> given up; from here on it can neither claim nor renew. What it holds stays in its hands for now
-- Safe: a script runs alone; an owner that was given up before keeps its grave as it is
local K, now, lapsed = KEYS[1], ARGV[1], {}
local function give_up(owner)
  if redis.call('HDEL', K .. 'names', owner) == 0 then return false end
  local seen = redis.call('HGET', K .. 'seen', owner)
  redis.call('HSET', K .. 'seen', owner, seen .. now)
  redis.call('ZADD', K .. 'graves', 'NX', now, owner)
  redis.call('ZREM', K .. 'leases', owner)
  redis.call('HDEL', K .. 'last', owner)
  redis.call('DEL', K .. 'term:' .. owner)
  if redis.call('EXISTS', K .. 'own:' .. owner) == 1 then redis.call('SADD', K .. 'owing', owner) end
  return true
end
for i = 3, #ARGV do give_up(ARGV[i]) end
if ARGV[2] == 'lapsed' then
  for _, owner in ipairs(redis.call('ZRANGEBYSCORE', K .. 'leases', '-inf', now)) do
    if give_up(owner) then lapsed[#lapsed + 1] = owner end
  end
end
return lapsed
