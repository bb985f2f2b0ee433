-- Store messages and wake idle children; all of them are seen at once, or none.
-- Parameters: KEYS[1] the namespace; ARGV now, number, then the messages as parts/put.lua wants them
-- Result: for each 1 (new), 0 (its id is known), or the id of another one that holds its unique key
-- State: absent -> waiting, blocked if it has a gate; a known id is left as it is
-- Safe: a script runs alone; sent twice, the second finds every id known, or its key held by the same one
local K, now = KEYS[1], ARGV[1]
--#include calls lines blocks slots put
return put(add_places({}, 3, tonumber(ARGV[2])), now)
