-- Read the notes whose key begins so.
-- Parameters: KEYS[1] the namespace; ARGV the beginning, how many at the most (-1: all)
-- Result: the notes (JSON), the last key first
-- State: unchanged
-- Safe: reads only
local K = KEYS[1]
--#include calls
local keys = redis.call('ZREVRANGEBYLEX', K .. 'noten', '(' .. ARGV[1] .. '\255', '[' .. ARGV[1], 'LIMIT', 0, ARGV[2])
return fetched(K .. 'notes', keys)
