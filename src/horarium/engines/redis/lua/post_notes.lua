-- Keep notes, each in place of what its key has had.
-- Parameters: KEYS[1] the namespace; ARGV of each: key, expires (or ''), note (JSON)
-- Result: none
-- State: any -> kept
-- Safe: a script runs alone; sent twice, the second leaves the same
local K = KEYS[1]
--#include calls
begin_without_memory()  -- a switch must be set when the store is full, too
for at = 1, #ARGV, 3 do
  redis.call('HSET', K .. 'notes', ARGV[at], ARGV[at + 2])
  redis.call('ZADD', K .. 'noten', 0, ARGV[at])
  if ARGV[at + 1] == '' then
    redis.call('ZREM', K .. 'notex', ARGV[at])
  else
    redis.call('ZADD', K .. 'notex', ARGV[at + 1], ARGV[at])
  end
end
