-- Remove notes.
-- Parameters: KEYS[1] the namespace; ARGV keys
-- Result: how many there were
-- State: any -> absent
-- Safe: a script runs alone
local K, erased = KEYS[1], 0
for _, key in ipairs(ARGV) do
  erased = erased + redis.call('HDEL', K .. 'notes', key)
  redis.call('ZREM', K .. 'noten', key)
  redis.call('ZREM', K .. 'notex', key)
end
return erased
