-- Look at gates that have turned.
-- Parameters: KEYS[1] the namespace; ARGV "named" and ids, or "any" and how many at the most
-- Result: see told_of in parts/blocks.lua, of those that have turned and were not carried out yet
-- State: unchanged
-- Safe: reads only
local K, ids = KEYS[1], {}
--#include calls blocks
if ARGV[1] == 'any' then
  ids = redis.call('SRANDMEMBER', K .. 'turned', ARGV[2])
else
  for i = 2, #ARGV do
    if redis.call('SISMEMBER', K .. 'turned', ARGV[i]) == 1 then ids[#ids + 1] = ARGV[i] end
  end
end
return told_of(ids)
