-- Find out which schedules code owns, in a store from before that was kept. The empty name says that all are there.
-- Parameters: KEYS[1] the namespace
-- Result: how many there are
-- State: schc unknown -> complete
-- Safe: a script runs alone; twice is fine. A million schedules hold up the server for some seconds, once
local K = KEYS[1]
--#include calls
local after, found = '', 0
repeat
  local names, ours = redis.call('ZRANGEBYLEX', K .. 'schn', '(' .. after, '+', 'LIMIT', 0, PIECE), {}
  for i, text in ipairs(fetched(K .. 'schx', names)) do
    if text and string.find(text, '^[%d;%-]*;code;') then  -- of a state, whatever stands before the owner
      ours[#ours + 1], ours[#ours + 2] = 0, names[i]
    end
  end
  chunked('ZADD', K .. 'schc', ours)
  found, after = found + #ours / 2, names[#names]
until not after
redis.call('ZADD', K .. 'schc', 0, '')
return found
