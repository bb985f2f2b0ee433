-- Tell a gate how many arrive.
-- Parameters: KEYS[1] the namespace; ARGV id, size
-- Result: {1 (told) or 0 (there is no such gate, or it has a size), the gate if that made it turn: see told_of in
--   parts/blocks.lua}
-- State: blocked by a gate without a size -> by one with a size, or ripe
-- Safe: a script runs alone; sent twice, the second finds a gate that has a size
local K, id, size = KEYS[1], ARGV[1], ARGV[2]
--#include calls blocks
local why, queue = why_of(id)
local widened = string.match(why or '', '^%?%+(%d+)$')
if not widened then return {0, {}} end
begin_without_memory()
redis.call('HSET', K .. 'block', id, size .. '+' .. widened .. ';' .. queue)
look_at_gate(id)
return {1, told_of(turned)}
