-- Read schedules: those named, those due, or a page by name.
-- Parameters: KEYS[1] the namespace; ARGV "named" and names; "due", until and limit; "page", after and limit; "code"
--   or "table", after and limit: a page of those that code owns, or a framework's database
-- Result: of each name, record (JSON), state; for one that is not there the latter two are nil; {"unindexed"} if it is not
--   known yet which ones code owns
-- State: unchanged
-- Safe: reads only
local K, how, names, found = KEYS[1], ARGV[1], {}, {}
--#include calls
if how == 'named' then
  for i = 2, #ARGV do names[#names + 1] = ARGV[i] end
elseif how == 'due' then
  names = redis.call('ZRANGEBYSCORE', K .. 'due', '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
elseif how == 'code' and not redis.call('ZSCORE', K .. 'schc', '') and redis.call('EXISTS', K .. 'schn') == 1 then
  return {'unindexed'}
elseif how == 'code' then
  names = redis.call('ZRANGEBYLEX', K .. 'schc', '(' .. ARGV[2], '+', 'LIMIT', 0, ARGV[3])
elseif how == 'table' then
  names = redis.call('ZRANGEBYLEX', K .. 'scht', '(' .. ARGV[2], '+', 'LIMIT', 0, ARGV[3])
else
  names = redis.call('ZRANGEBYLEX', K .. 'schn', ARGV[2] == '' and '-' or '(' .. ARGV[2], '+', 'LIMIT', 0, ARGV[3])
end
local records, states = fetched(K .. 'sch', names), fetched(K .. 'schx', names)
for i, name in ipairs(names) do
  for _, each in ipairs({name, records[i], states[i]}) do found[#found + 1] = each end
end
return found
