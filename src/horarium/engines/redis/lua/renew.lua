-- Register members or renew their leases; one that was given up is never taken back.
-- Parameters: KEYS[1] the namespace; ARGV now, lease_until, then of each member: owner, name (JSON), member (JSON)
-- Result: {owners that are lost, ids that are to be ended}
-- State: absent or alive -> alive until lease_until
-- Safe: a script runs alone; sent twice, it only renews twice
local K, now, lease_until, lost, terminate = KEYS[1], ARGV[1], ARGV[2], {}, {}
--#include calls
begin_without_memory()
for at = 3, #ARGV, 3 do
  local owner = ARGV[at]
  if redis.call('ZSCORE', K .. 'graves', owner) then
    lost[#lost + 1] = owner
  else
    redis.call('HSET', K .. 'names', owner, ARGV[at + 1])
    redis.call('HSET', K .. 'members', owner, ARGV[at + 2])
    redis.call('HSET', K .. 'seen', owner, now .. ';' .. lease_until .. ';')
    redis.call('ZADD', K .. 'leases', lease_until, owner)
    for _, id in ipairs(redis.call('SMEMBERS', K .. 'term:' .. owner)) do terminate[#terminate + 1] = id end
  end
end
return {lost, terminate}
