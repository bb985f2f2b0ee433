-- Look at messages and their records, in one instant.
-- Parameters: KEYS[1] the namespace; ARGV ids
-- Result: of each its message, its record, and why it is blocked, each of them nil where there is none
-- State: unchanged
-- Safe: reads only
local K = KEYS[1]
--#include calls
local messages, records, whys, found = fetched(K .. 'msg', ARGV), fetched(K .. 'rec', ARGV), fetched(K .. 'block', ARGV), {}
for i = 1, #ARGV do found[3 * i - 2], found[3 * i - 1], found[3 * i] = messages[i], records[i], whys[i] end
return found
