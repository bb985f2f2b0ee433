-- Store messages and wake idle children; all of them are seen at once, or none.
-- Parameters: KEYS[1] the namespace; ARGV now, number, then the messages as parts/put.lua wants them
-- Result: for each 1 (new) or 0 (its id is known)
-- State: absent -> waiting; a known id is left as it is
-- Safe: a script runs alone; sent twice, the second finds every id known
local K, now = KEYS[1], ARGV[1]
--#include calls lines put
return put(add_places({}, 3, tonumber(ARGV[2])), now)
