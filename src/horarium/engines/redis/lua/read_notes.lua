-- Read the notes whose key begins so, by key.
-- Parameters: KEYS[1] the namespace; ARGV the beginning
-- Result: the notes (JSON)
-- State: unchanged
-- Safe: reads only
local K = KEYS[1]
--#include calls
return fetched(K .. 'notes', redis.call('ZRANGEBYLEX', K .. 'noten', '[' .. ARGV[1], '(' .. ARGV[1] .. '\255'))
