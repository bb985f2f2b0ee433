-- Forget old runs. Those that stand in an index are only told: what they are indexed by is in the message.
-- Parameters: KEYS[1] the namespace; ARGV now, forget what ended at or before, limit, how many may stay ('': any number)
-- Result: {number forgotten, ids that are left to be forgotten, how many more are too many}
-- State: ended -> absent
-- Safe: a script runs alone; only plain successes are removed here
local K, now, limit = KEYS[1], ARGV[1], tonumber(ARGV[3])
--#include calls
local ids, left, forgotten = {}, {}, 0
local function strike(key, old)
  local struck = {}
  for _, member in ipairs(old) do
    limit = limit - 1
    local id = string.sub(member, 2)
    if string.sub(member, 1, 1) == '-' then
      ids[#ids + 1], struck[#struck + 1] = id, member
    else
      left[#left + 1] = id
    end
  end
  chunked('ZREM', K .. key, struck)
  forgotten = forgotten + #struck
end
for key, score in pairs({['end'] = ARGV[2], endk = now}) do
  if limit > 0 then strike(key, redis.call('ZRANGEBYSCORE', K .. key, '-inf', score, 'LIMIT', 0, limit)) end
end
local surplus = 0
if ARGV[4] ~= '' then
  surplus = redis.call('ZCARD', K .. 'end') + redis.call('ZCARD', K .. 'endk') - #left - tonumber(ARGV[4])
  for _, key in ipairs({'end', 'endk'}) do
    local number = math.min(surplus, limit)
    if number > 0 and #left == 0 then
      local before = forgotten + #left
      strike(key, redis.call('ZRANGE', K .. key, 0, number - 1))
      surplus = surplus - (forgotten + #left - before)
    end
  end
end
chunked('HDEL', K .. 'msg', ids)
chunked('HDEL', K .. 'rec', ids)
chunked('ZREM', K .. 'age', ids)
if forgotten > 0 then tally(K .. 'n', 'SUCCESS', -forgotten) end
return {forgotten, left, math.max(0, surplus)}
