-- Forget old runs. Those that stand in an index are only told: what they are indexed by is in the message.
-- Parameters: KEYS[1] the namespace; ARGV now, forget what ended at or before, limit
-- Result: {number forgotten, ids that are left to be forgotten}
-- State: ended -> absent
-- Safe: a script runs alone; only plain successes are removed here
local K, now, limit = KEYS[1], ARGV[1], tonumber(ARGV[3])
--#include calls
local ids, left, forgotten = {}, {}, 0
for key, score in pairs({['end'] = ARGV[2], endk = now}) do
  local old = limit > 0 and redis.call('ZRANGEBYSCORE', K .. key, '-inf', score, 'LIMIT', 0, limit) or {}
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
chunked('HDEL', K .. 'msg', ids)
chunked('HDEL', K .. 'rec', ids)
chunked('ZREM', K .. 'age', ids)
if forgotten > 0 then tally(K .. 'n', 'SUCCESS', -forgotten) end
return {forgotten, left}
