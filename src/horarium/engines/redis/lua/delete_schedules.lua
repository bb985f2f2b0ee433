-- Remove schedules.
-- Parameters: KEYS[1] the namespace; ARGV names
-- Result: how many there were
-- State: any -> absent
-- Safe: a script runs alone
local K, deleted = KEYS[1], 0
for _, name in ipairs(ARGV) do
  deleted = deleted + redis.call('HDEL', K .. 'sch', name)
  redis.call('HDEL', K .. 'schx', name)
  redis.call('HDEL', K .. 'schk', name)
  redis.call('ZREM', K .. 'schn', name)
  redis.call('ZREM', K .. 'schc', name)
  redis.call('ZREM', K .. 'scht', name)
  redis.call('ZREM', K .. 'due', name)
end
if redis.call('EXISTS', K .. 'schn') == 0 then redis.call('DEL', K .. 'schc') end
return deleted
