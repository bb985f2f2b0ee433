-- List the lines, or a stretch of one line with its messages.
-- Parameters: KEYS[1] the namespace; ARGV none; or queue, slot, the score and the member after which to go on ('' and ''
--   at the beginning; where the member is '', or has left, with the first of that score), limit
-- Result: queue and slot of each line; or of each place its member, score, message and record
-- State: unchanged
-- Safe: reads only
local K, found = KEYS[1], {}
--#include calls lines
if #ARGV == 0 then
  for _, queue in ipairs(redis.call('SMEMBERS', K .. 'queues')) do
    for _, slot in ipairs(redis.call('SMEMBERS', K .. 'q:' .. queue)) do
      found[#found + 1], found[#found + 2] = queue, slot
    end
  end
  return found
end
local key, ids, rank = line_key(ARGV[1], ARGV[2]), {}, 0
if ARGV[3] ~= '' then
  local stands = ARGV[4] ~= '' and redis.call('ZSCORE', key, ARGV[4]) == ARGV[3]
  rank = stands and redis.call('ZRANK', key, ARGV[4]) + 1 or redis.call('ZCOUNT', key, '-inf', '(' .. ARGV[3])
end
local places = redis.call('ZRANGE', key, rank, rank + ARGV[5] - 1, 'WITHSCORES')
for i = 1, #places, 2 do ids[#ids + 1] = string.sub(places[i], 16) end
local messages, records = fetched(K .. 'msg', ids), fetched(K .. 'rec', ids)
for i = 1, #ids do
  for _, each in ipairs({places[2 * i - 1], places[2 * i], messages[i], records[i]}) do found[#found + 1] = each end
end
return found
