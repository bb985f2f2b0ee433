-- Look at what an owner holds, and what is known of it.
-- Parameters: KEYS[1] the namespace; ARGV owner
-- Result: its member as JSON (nil: not known), "seen;lease_until;given_up", then of each message in its hands id,
--   message and record
-- State: unchanged
-- Safe: reads only
local K, owner = KEYS[1], ARGV[1]
--#include calls
local ids = redis.call('SMEMBERS', K .. 'own:' .. owner)
local messages, records = fetched(K .. 'msg', ids), fetched(K .. 'rec', ids)
local found = {redis.call('HGET', K .. 'members', owner), redis.call('HGET', K .. 'seen', owner)}
for i, id in ipairs(ids) do
  for _, each in ipairs({id, messages[i], records[i]}) do found[#found + 1] = each end
end
return found
