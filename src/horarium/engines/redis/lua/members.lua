-- List the members.
-- Parameters: KEYS[1] the namespace
-- Result: of each: owner, member (JSON), "seen;lease_until;given_up", number of deliveries held
-- State: unchanged
-- Safe: reads only
local K, found = KEYS[1], {}
local members = redis.call('HGETALL', K .. 'members')
for i = 1, #members, 2 do
  local owner = members[i]
  local seen = redis.call('HGET', K .. 'seen', owner)
  for _, each in ipairs({owner, members[i + 1], seen, redis.call('SCARD', K .. 'own:' .. owner)}) do
    found[#found + 1] = each
  end
end
return found
