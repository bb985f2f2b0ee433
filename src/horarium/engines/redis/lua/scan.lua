-- Walk an index from the newest run to the oldest, a stretch at a time.
-- Parameters: KEYS[1] the namespace; ARGV index ("age" or "i:..."), since and until (scores, '-inf' and '+inf' where
--   there is no bound), the created instant and the id after which to go on (or '' and ''), prefix of the ids (or ''),
--   how many to return at most, how many to walk over at most
-- Result: {created and id of the last one walked over ('' and '' at the end), then of each found: created, id, message,
--   record}
-- State: unchanged
-- Safe: reads only
local K, key, since, before, created, after = KEYS[1], KEYS[1] .. ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local prefix, limit, reach = ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])
local PIECE_WALKED = 500
--#include calls
-- By bytes, as sorted sets are ordered; `<` on strings follows the server's locale.
local function precedes(one, other)
  for i = 1, math.min(#one, #other) do
    local a, b = string.byte(one, i), string.byte(other, i)
    if a ~= b then return a < b end
  end
  return #one < #other
end

local rank = before == '+inf' and 0 or redis.call('ZCOUNT', key, before, '+inf')
if created ~= '' then
  local at = redis.call('ZREVRANK', key, after)
  rank = math.max(rank, at and at + 1 or redis.call('ZCOUNT', key, '(' .. created, '+inf'))
end
local ids, ages, last, is_over = {}, {}, {'', ''}, false
while #ids < limit and reach > 0 and not is_over do
  local piece = redis.call('ZREVRANGE', key, rank, rank + math.min(PIECE_WALKED, reach) - 1, 'WITHSCORES')
  is_over = #piece == 0
  for i = 1, #piece, 2 do
    local id, age = piece[i], piece[i + 1]
    if since ~= '-inf' and tonumber(age) < tonumber(since) then
      is_over = true
      break
    end
    rank, reach, last = rank + 1, reach - 1, {age, id}
    local since_place = created == '' and -1 or tonumber(age) - tonumber(created)
    local is_behind = since_place < 0 or (since_place == 0 and precedes(id, after))
    if is_behind and (prefix == '' or string.sub(id, 1, #prefix) == prefix) then
      ids[#ids + 1], ages[#ages + 1] = id, age
      if #ids >= limit then break end
    end
  end
end
local messages, records = fetched(K .. 'msg', ids), fetched(K .. 'rec', ids)
local found = is_over and {'', ''} or last
for i = 1, #ids do
  for _, each in ipairs({ages[i], ids[i], messages[i], records[i]}) do found[#found + 1] = each end
end
return found
