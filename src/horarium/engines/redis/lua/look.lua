-- Look at messages and their records, in one instant.
-- Parameters: KEYS[1] the namespace; ARGV ids
-- Result: of each its message and its record, either of them nil
-- State: unchanged
-- Safe: reads only
local K = KEYS[1]
--#include calls
local messages, records, found = fetched(K .. 'msg', ARGV), fetched(K .. 'rec', ARGV), {}
for i = 1, #ARGV do found[2 * i - 1], found[2 * i] = messages[i], records[i] end
return found
