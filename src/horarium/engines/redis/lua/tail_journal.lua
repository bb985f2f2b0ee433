-- Read what came after a place of the journal.
-- Parameters: KEYS[1] the namespace; ARGV number of the last entry that was read (or '': none), how many at the most
-- Result: {number of the newest entry, number of the oldest one (0 in an empty journal), entries}
-- State: unchanged
-- Safe: reads only
local K, found = KEYS[1], {}
local function number_of(entry)
  return entry and tonumber(string.match(entry[1], '^%d+')) or 0
end
local newest = number_of(redis.call('XREVRANGE', K .. 'journal', '+', '-', 'COUNT', 1)[1])
local oldest = number_of(redis.call('XRANGE', K .. 'journal', '-', '+', 'COUNT', 1)[1])
if ARGV[1] ~= '' and tonumber(ARGV[2]) > 0 then
  for _, entry in ipairs(redis.call('XRANGE', K .. 'journal', '(' .. ARGV[1] .. '-0', '+', 'COUNT', ARGV[2])) do
    found[#found + 1] = entry[2][2]
  end
end
return {newest, oldest, found}
