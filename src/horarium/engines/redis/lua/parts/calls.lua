-- Calls with many arguments, in pieces: Lua can unpack no more than some 8,000. An even size keeps pairs together.
local PIECE = 4000

local function chunked(command, key, items)
  for from = 1, #items, PIECE do
    redis.call(command, key, unpack(items, from, math.min(from + PIECE - 1, #items)))
  end
end

-- Without memory a server refuses the first write of a script if that one takes memory, and none after it. Whatever makes
-- room in the end (claims, ends, leases, chores) begins like this and so gets through; puts do not, and are refused.
local function begin_without_memory()
  redis.call('DEL', K .. 'none')
end

-- Add to a count; one that is 0 again goes away, since there may be any number of names.
local function tally(key, name, by)
  if redis.call('HINCRBY', key, name, by) == 0 then redis.call('HDEL', key, name) end
end

local function fetched(key, fields)
  if #fields == 0 then return {} end
  if #fields <= PIECE then return redis.call('HMGET', key, unpack(fields)) end
  local found = {}
  for from = 1, #fields, PIECE do
    for _, value in ipairs(redis.call('HMGET', key, unpack(fields, from, math.min(from + PIECE - 1, #fields)))) do
      found[#found + 1] = value
    end
  end
  return found
end
