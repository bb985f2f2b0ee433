-- Count everything.
-- Parameters: KEYS[1] the namespace; ARGV now
-- Result: {number of runs, runs by state but PENDING (flat), messages in hand by queue and task (JSON; flat), number of
--   schedules, the lines, of each: queue, slot, messages, due messages, earliest due, and blocked messages by queue (flat)}
-- State: unchanged
-- Safe: reads only
local K, now, lines = KEYS[1], ARGV[1], {}
--#include calls lines
for _, queue in ipairs(redis.call('SMEMBERS', K .. 'queues')) do
  for _, slot in ipairs(redis.call('SMEMBERS', K .. 'q:' .. queue)) do
    local key = line_key(queue, slot)
    local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    if first[1] then
      for _, each in ipairs({queue, slot, redis.call('ZCARD', key), redis.call('ZCOUNT', key, '-inf', now), first[2]}) do
        lines[#lines + 1] = each
      end
    end
  end
end
return {
  redis.call('HLEN', K .. 'msg'), redis.call('HGETALL', K .. 'n'), redis.call('HGETALL', K .. 'h'),
  redis.call('HLEN', K .. 'sch'), lines, redis.call('HGETALL', K .. 'bn'),
}
