-- Add entries to the journal, which keeps its newest. They are numbered without a gap, as "NUMBER-0".
-- Parameters: KEYS[1] the namespace; ARGV token of this call, how many are kept, entries
-- Result: none
-- State: entries follow the last one
-- Safe: a script runs alone; sent twice, the second finds its token
local K, SAID_KEPT = KEYS[1], 60  -- seconds; whoever did not get the answer asks again within a few
if redis.call('EXISTS', K .. 'said:' .. ARGV[1]) == 1 then return end
local last = redis.call('XREVRANGE', K .. 'journal', '+', '-', 'COUNT', 1)[1]
local number = last and tonumber(string.match(last[1], '^%d+')) or 0
for i = 3, #ARGV do
  number = number + 1
  redis.call('XADD', K .. 'journal', 'MAXLEN', '=', ARGV[2], string.format('%.0f-0', number), 'e', ARGV[i])
end
redis.call('SET', K .. 'said:' .. ARGV[1], '', 'EX', SAID_KEPT)
